"""Certificate pages of people who do not exist."""

import datetime as dt

from reports.certificate import CertificatePage, Row

ROWS = (
    ("Họ và tên", "Full name", "Nguyễn Thị Hồng Ánh"),
    ("Ngày sinh", "Date of birth", "02/09/1984"),
    ("Giới tính", "Sex", "Nữ / Female"),
    ("Số CCCD/hộ chiếu", "ID number", "048184000123"),
    ("Quốc tịch", "Nationality", "Việt Nam"),
    ("Địa chỉ", "Address", "Tổ 12, phường Hòa Khánh, thành phố Đà Nẵng"),
    ("Mã mẫu", "Sample code", "7Q2M-8K4P-XH3"),
    ("Loại bệnh phẩm", "Specimen type", "Dịch tỵ hầu / Nasopharyngeal swab"),
    ("Đơn vị lấy mẫu", "Collected by", "Trạm Y tế phường Hòa Khánh"),
    ("Lấy mẫu lúc", "Collected at", "08:12, 05/08/2026"),
    ("Nhận mẫu lúc", "Received at", "14:30, 05/08/2026"),
    ("Trả kết quả lúc", "Released at", "21:05, 05/08/2026"),
    ("Kỹ thuật", "Method", "Realtime RT-PCR – LightPower iVA, lô 2407"),
    ("Hình thức", "Form", "Mẫu gộp 5 / Pool of 5"),
)


def page(name: str = "Nguyễn Thị Hồng Ánh", **changes: object) -> CertificatePage:
    """A complete page; `changes` replace its values."""
    values: dict[str, object] = {
        "parent_agency": "SỞ Y TẾ THÀNH PHỐ ĐÀ NẴNG",
        "agency": "TRUNG TÂM KIỂM SOÁT BỆNH TẬT",
        "number": "Số: 7Q2M8K4PXH3",
        "place_and_date": "Đà Nẵng, ngày 05 tháng 8 năm 2026",
        "title": "PHIẾU KẾT QUẢ XÉT NGHIỆM SARS-CoV-2",
        "title_en": "SARS-CoV-2 test result",
        "rows": (Row(*ROWS[0][:2], name), *(Row(*row) for row in ROWS[1:])),
        "outcome": "Âm tính (mẫu gộp 5)",
        "outcome_en": "Negative (pool of 5)",
        "is_alert": False,
        "notes": ("Kết quả chỉ có giá trị trên mẫu xét nghiệm.",),
        "signer_title": "PHỤ TRÁCH PHÒNG XÉT NGHIỆM",
        "signer_name": "Trần Văn Bình",
        "code": "7Q2M-8K4P-XH3",
        "verify_url": "HTTPS://XN.EXAMPLE.VN/C/7Q2M8K4PXH3",
        "verify_text": "xn.example.vn/c/7Q2M8K4PXH3",
        "issued_at": dt.datetime(2026, 8, 5, 14, 5, tzinfo=dt.UTC),
    }
    return CertificatePage(**{**values, **changes})  # type: ignore[arg-type]
