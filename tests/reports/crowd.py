"""Pages of many people who do not exist, with names and addresses that are long and odd."""

import datetime as dt
import random
from collections.abc import Iterator

from reports.certificate import CertificatePage, Row
from tests.reports.pages import ROWS, page

_SURNAMES = "Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Giàng Chamaléa"
_MIDDLES = "Thị Văn Hồng Ngọc Minh Thanh Hoài Phương A Seo Bảo Kim Đức Hữu Xuân Thùy Diễm Tuyết"
_GIVEN = "Ánh Ửng Ễnh Hường Thưởng Quyên Khuyến Nghĩa Đỉnh Kỳ Ỷ Nhẫn Tuấn Hữu Lặng Vẫn Ẩn Yến Mỹ"
_ODD = (
    "Y",
    "H'Hen Niê",
    "Hồ Thị Kray-Sức",
    "O’Brien Đỗ",
    "K’Brếp Cil Múp Ha Nhưng",
    "Công Tằng Tôn Nữ Hoàng Thị Ngọc Phương Khánh Quỳnh Anh Thư Minh Châu",
    "NGUYỄN THỊ THƯƠNG HOÀI NHỚ MÃI KHÔNG QUÊN NGHĨA TÌNH",
    "Nguyễn Phước Bảo Long / Jean-Pierre Bảo Long de la Fontaine du Château",
    "Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww Mmmmmmmm",
    "José Ñíguez (Đà Nẵng)",
    "Müller–Lüdenscheidt Hoa",
    "Łukasz Đoàn",
    "王小明",
    "Tên  hai dấu cách",
)
_STREETS = "Nguyễn Tất Thành, Điện Biên Phủ, Trần Hưng Đạo, Cách Mạng Tháng Tám, 30/4, Lê Duẩn"
_PLACES = (
    "phường Hòa Khánh, thành phố Đà Nẵng",
    "xã Hướng Lập, tỉnh Quảng Trị",
    "phường Khuê Mỹ, quận Ngũ Hành Sơn, thành phố Đà Nẵng (cũ)",
    "thôn Pa Linh – khu tái định cư số 2, xã Hướng Lập, huyện Hướng Hóa, tỉnh Quảng Trị",
)
_SITES = (
    "Trạm Y tế phường Hòa Khánh",
    "Trường THCS Nguyễn Bỉnh Khiêm – điểm lấy mẫu số 12, khu phố 4, phường An Hải Bắc",
)
_METHODS = (
    "Realtime RT-PCR",
    "Realtime RT-PCR – LightPower iVA, lô 2407",
    "Xét nghiệm nhanh kháng nguyên – STANDARD Q COVID-19 Ag Test, lô QCO3021067A-2",
)
_AGENCIES = (
    "TRUNG TÂM KIỂM SOÁT BỆNH TẬT",
    "TRUNG TÂM KIỂM SOÁT BỆNH TẬT THÀNH PHỐ ĐÀ NẴNG – KHOA XÉT NGHIỆM",
)
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_OTHER_KINDS = ("retest", "quarantine", "vaccination")
_TITLES: dict[str, dict[str, object]] = {
    "retest": {
        "title": "GIẤY BÁO LẤY LẠI MẪU XÉT NGHIỆM SARS-CoV-2",
        "title_en": "Notice of a new SARS-CoV-2 sample",
        "notes": ("Giấy này không phải là kết quả dương tính. / This is not a positive result.",),
    },
    "quarantine": {
        "title": "GIẤY XÁC NHẬN HOÀN THÀNH CÁCH LY Y TẾ",
        "title_en": "Certificate of completed quarantine",
        "signer_title": "TRƯỞNG TRẠM Y TẾ",
    },
    "vaccination": {
        "title": "GIẤY XÁC NHẬN TIÊM CHỦNG",
        "title_en": "Vaccination certificate",
        "signer_title": "CƠ SỞ TIÊM CHỦNG",
        "notes": ("Người được tiêm theo dõi sức khỏe 28 ngày.", "Watch your health for 28 days."),
    },
}
# The same page for who reads no Vietnamese: English first.
_ENGLISH = tuple(Row(english, label, "") for label, english, _ in ROWS)


def _symbol_of(chance: random.Random, code: str) -> str:
    """The address of a certificate, or of a signed slip, in the symbol."""
    slip = "".join(chance.choices(_SYMBOLS, k=165))
    return f"HTTPS://XN.EXAMPLE.VN/{chance.choice((f'C/{code}', f'R/{slip}'))}"


def pages(count: int, seed: int = 1) -> Iterator[CertificatePage]:
    """So many pages of all kinds; the odd names come first."""
    chance = random.Random(seed)
    for number in range(count):
        yield _page(chance, _ODD[number] if number < len(_ODD) else some_name(chance))


def ordinary_pages(count: int, seed: int = 1) -> Iterator[CertificatePage]:
    """Results of a round as most are: places and methods of usual length, in Vietnamese."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _page(chance, some_name(chance), is_ordinary=True)


def some_name(chance: random.Random) -> str:
    """A name as most are."""
    middle = chance.sample(_MIDDLES.split(), chance.choice((0, 1, 1, 1, 2, 2, 3, 5)))
    return " ".join([chance.choice(_SURNAMES.split()), *middle, chance.choice(_GIVEN.split())])


def _page(chance: random.Random, name: str, *, is_ordinary: bool = False) -> CertificatePage:
    reach = 2 if is_ordinary else None
    code = "".join(chance.choices(_SYMBOLS, k=11))
    birth = f"{chance.randint(1, 28):02d}/{chance.randint(1, 12):02d}/{chance.randint(1920, 2025)}"
    street = chance.choice(_STREETS.split(", "))
    house = f"{chance.randint(1, 900)}/{chance.randint(1, 40)}"
    address = f"{house} {street}, {chance.choice(_PLACES[:reach])}"
    hours = [f"{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}, 05/08/2026"] * 4
    values = (
        name,
        birth,
        chance.choice(("Nam / Male", "Nữ / Female", "–")),
        f"0{chance.randrange(10**11):011d}",
        "Việt Nam",
        address,
        f"{code[:4]}-{code[4:8]}-{code[8:]}",
        "Dịch tỵ hầu / Nasopharyngeal swab",
        chance.choice(_SITES[: reach and 1]),
        *hours[:3],
        chance.choice(_METHODS[:reach]),
        f"Mẫu gộp {chance.randint(2, 10)} / Pool",
    )
    results = ("negative", "pool", "pool", "positive")
    kind = chance.choice(results if is_ordinary else (*results, *_OTHER_KINDS))
    size = chance.randint(2, 10)
    outcome = {
        "negative": ("Âm tính", "Negative"),
        "pool": (f"Âm tính (mẫu gộp {size})", f"Negative (pool of {size})"),
        "positive": ("Dương tính", "POSITIVE"),
        "retest": ("Chưa có kết luận – cần lấy lại mẫu đơn", "No conclusion yet"),
        "quarantine": ("Đã hoàn thành cách ly y tế", "Quarantine completed"),
        "vaccination": (f"Đã tiêm {size} mũi", f"{size} doses"),
    }[kind]
    plain = page()
    labels = _ENGLISH if not is_ordinary and chance.random() < 0.2 else plain.rows
    rows = tuple(
        Row(row.label, row.label_en, value) for row, value in zip(labels, values, strict=True)
    )[: 9 if kind == "quarantine" else None]
    return page(
        **_TITLES.get(kind, {}),
        rows=rows,
        agency=chance.choice(_AGENCIES[: reach and 1]),
        number=f"Số: {code}",
        code=f"{code[:4]}-{code[4:8]}-{code[8:]}",
        outcome=outcome[0],
        outcome_en=outcome[1],
        is_alert=kind == "positive",
        signer_name=chance.choice(("", some_name(chance))),
        verify_url=_symbol_of(chance, code),
        verify_text=f"xn.example.vn/c/{code}",
        issued_at=plain.issued_at + dt.timedelta(minutes=chance.randrange(10**5)),
    )
