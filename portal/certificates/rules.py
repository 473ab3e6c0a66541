"""Pure rules of certificates: which paper a state deserves, and what stands on it."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal import clock
from portal.certificates.wording import filled
from portal.declarations.rules import Secret, grouped
from reports.certificate import CertificatePage, Row
from reports.certificate.page import RENDERER
from reports.pdf import unprintable_letters as unprintable

# State of a person by a sample → kind of paper; the others have no result that may be told.
KINDS = {
    "NEG_SINGLE": "negative",
    "NEG_BY_POOL": "pool_negative",
    "POS_CONFIRMED": "positive",
    "SUSPECT_POOL": "retest_notice",
    "RETEST_DUE": "retest_notice",
    "RETEST_RUNNING": "retest_notice",
}
TELLING_STATES = frozenset(KINDS)
# Reasons for a new sample that say nothing about the person (pooling: not suspect).
UNSUSPECT_REASONS = frozenset(
    {"invalid", "rejected", "lost", "re-sample", "damaged", "expired", "antigen_invalid"}
)


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """Everything about one sample that a citizen or a paper may be told, in one row.

    Attributes:
        laboratory: name of the laboratory, empty for a rapid antigen read at the point.
        outcome: of the tube, or of the rapid antigen read.
        tested_at: when the laboratory recorded the run.
        result_version: of the laboratory result; 0 without one.
        verifier: who verified, for the signature line.
    """

    sample_id: int
    site_id: int
    result_code: str
    state: str
    state_reason: str
    person_id: int
    full_name: str
    birth_on: dt.date | None
    birth_year: int | None
    sex: str
    national_id: str
    phone: str
    nationality: str
    address: str
    site: str
    disease: str
    method: str
    specimen_type: str
    sample_count: int
    collected_at: dt.datetime
    withdrawn_at: dt.datetime | None
    retest_of_id: int | None
    retest_due_at: dt.datetime | None
    received_at: dt.datetime | None
    released_at: dt.datetime | None
    laboratory: str = ""
    outcome: str = ""
    tested_at: dt.datetime | None = None
    kit_name: str = ""
    kit_lot: str = ""
    ct_values: Mapping[str, float | None] = field(default_factory=dict)
    result_version: int = 0
    verifier: str = ""

    @property
    def secret(self) -> Secret:
        """What opens it besides its code."""
        return Secret(self.birth_on, self.birth_year, self.phone)

    @property
    def is_pool(self) -> bool:
        """Whether the tube held the samples of several people."""
        return self.sample_count > 1


def shown_state(facts: SampleFacts) -> str:
    """The state to tell: anything not released, held or doubtful is «no result yet»."""
    if facts.withdrawn_at is not None:
        return "WITHDRAWN"
    if facts.state == "RETEST_DUE" and facts.state_reason in UNSUSPECT_REASONS:
        return "RESAMPLE"
    if facts.state in TELLING_STATES and facts.released_at is None:
        return "WAITING"
    if facts.state in TELLING_STATES or facts.state == "UNRESOLVED":
        return facts.state
    return "WAITING"


CONCLUSIVE_STATES = frozenset({"NEG_SINGLE", "NEG_BY_POOL", "POS_CONFIRMED"})
_OPEN_STATES = frozenset({"SUSPECT_POOL", "RETEST_DUE", "RETEST_RUNNING", "RESAMPLE"})


def is_overtaken(facts: SampleFacts, newer: Iterable[SampleFacts]) -> bool:
    """Whether a sample that waited for a retest has been answered by a newer sample."""
    if shown_state(facts) not in _OPEN_STATES:
        return False
    return any(shown_state(other) in CONCLUSIVE_STATES for other in newer)


def kind_of(facts: SampleFacts) -> str:
    """The kind of paper this sample deserves now; empty if none."""
    state = shown_state(facts)
    if state == "RESAMPLE":
        return "retest_notice"
    if facts.method == "antigen" and state in CONCLUSIVE_STATES and facts.outcome != "negative":
        return ""  # the RT-PCR sample that decided has a paper of its own
    return KINDS.get(state, "")


def unprintable_letters(facts: SampleFacts) -> str:
    """The letters of these facts that no paper can show, each once; empty if all can."""
    values = (row.value for row in rows_of(facts))
    return unprintable(*values, facts.laboratory, facts.verifier, facts.disease)


def masked_name(full_name: str) -> str:
    """The name with its surname hidden in part: enough for a family to tell who it is."""
    surname, space, rest = full_name.partition(" ")
    if not space:
        return full_name[:1] + "•" * max(len(full_name) - 1, 1)
    return f"{surname[:1]}{'•' * max(len(surname) - 1, 1)} {rest}"


SPECIMENS = {
    "nasopharyngeal": ("Dịch tỵ hầu", "Nasopharyngeal swab"),
    "oropharyngeal": ("Dịch hầu họng", "Oropharyngeal swab"),
    "nasal": ("Dịch mũi", "Nasal swab"),
    "saliva": ("Nước bọt", "Saliva"),
}
METHODS = {
    "pcr": ("Realtime RT-PCR", "Realtime RT-PCR"),
    "lamp": ("RT-LAMP", "RT-LAMP"),
    "antigen": ("Xét nghiệm nhanh kháng nguyên", "Rapid antigen test"),
}
SEXES = {"male": "Nam / Male", "female": "Nữ / Female"}


def no_slip(_facts: SampleFacts) -> str:
    """In place of a slip's address: for previews and where no slip is signed."""
    return ""


@dataclass(frozen=True, slots=True)
class Office:
    """Who issues and where papers are verified.

    Attributes:
        province: as on papers, e.g. `Thành phố Đà Nẵng`.
        public_url: address of this installation.
        is_training: papers get a watermark.
        signer: fingerprint of the seal that signs; empty for unsigned papers.
        slip_of: the address of a result's signed slip, which the symbol then carries; empty for
            what has none.
    """

    province: str
    public_url: str
    is_training: bool = False
    signer: str = ""
    slip_of: Callable[[SampleFacts], str] = field(default=no_slip, compare=False)


def compose(
    facts: SampleFacts,
    *,
    kind: str,
    texts: Mapping[str, Any],
    office: Office,
    code: str,
    issued_at: dt.datetime,
) -> CertificatePage:
    """The page of a certificate, every text final."""
    words = {
        "disease": facts.disease,
        "pool_size": str(facts.sample_count),
        "province": office.province,
        "laboratory": facts.laboratory or facts.site,
        "deadline": f" (hạn: {_instant(facts.retest_due_at)})" if facts.retest_due_at else "",
    }
    return page_of(
        rows_of(facts),
        agency=facts.laboratory or facts.site,
        day=facts.released_at or issued_at,
        words=words,
        texts=texts,
        office=office,
        code=code,
        issued_at=issued_at,
        signer_name=facts.verifier,
        is_alert=kind == "positive",
        slip=office.slip_of(facts),
    )


def page_of(  # noqa: PLR0913 - a page has so many parts, all named
    rows: Iterable[Row],
    *,
    agency: str,
    day: dt.datetime,
    words: Mapping[str, str],
    texts: Mapping[str, Any],
    office: Office,
    code: str,
    issued_at: dt.datetime,
    signer_name: str = "",
    is_alert: bool = False,
    slip: str = "",
) -> CertificatePage:
    """A page of any kind: the official frame around rows and texts.

    Args:
        rows: the table.
        agency: who issues.
        day: of the paper, in its head.
        words: what the placeholders of `texts` stand for.
        texts: joined Vietnamese and English texts of the kind (`wording.joined`).
        office: the department, and where the paper is verified.
        code: of the certificate.
        issued_at: aware.
        signer_name: below the signature, unless the texts name somebody.
        is_alert: whether the outcome must be seen.
        slip: address of the signed slip for the symbol; without one it opens the code's page.
    """
    address = office.public_url.split("://", 1)[-1]
    return CertificatePage(
        parent_agency=f"SỞ Y TẾ {office.province}".upper(),
        agency=agency.upper(),
        number=f"Số: {code}",
        place_and_date=place_and_date(office.province, day),
        title=filled(texts["title"], words),
        title_en=filled(texts["title_en"], words),
        rows=tuple(rows),
        outcome=filled(texts["outcome"], words),
        outcome_en=filled(texts["outcome_en"], words),
        is_alert=is_alert,
        notes=tuple(filled(note, words) for note in texts["notes"]),
        signer_title=str(texts.get("signer_title", "PHỤ TRÁCH PHÒNG XÉT NGHIỆM")),
        signer_name=str(texts.get("signer_name", "")) or signer_name,
        code=grouped(code),
        verify_url=slip or f"{office.public_url}/c/{code}".upper(),
        verify_text=f"{address}/c/{code}",
        issued_at=issued_at,
        watermark=watermark_of(office),
    )


def watermark_of(office: Office) -> str:
    """What stands across every page of a training installation."""
    return "TẬP HUẤN - KHÔNG CÓ GIÁ TRỊ" if office.is_training else ""


def place_and_date(province: str, day: dt.datetime) -> str:
    """The right of the head: `Đà Nẵng, ngày 05 tháng 8 năm 2026`."""
    return f"{_place(province)}, {_long_day(day)}"


# Why a certificate was replaced by a newer one of the same sample.
REASONS = frozenset({"result", "person", "corrected", "reworded"})
_PERSON_LABELS = frozenset({"Họ và tên", "Ngày sinh", "Giới tính", "Số CCCD/hộ chiếu",
                            "Quốc tịch", "Địa chỉ"})  # fmt: skip


def replacement_reason(
    old_kind: str, old: Mapping[str, Any], new_kind: str, new: Mapping[str, Any]
) -> str:
    """What made a new paper necessary: the result, the person's own lines, other lines, words."""
    if old_kind != new_kind:
        return "result"
    was, now = ({row[0]: row[2] for row in page["rows"]} for page in (old, new))
    changed = {label for label in was.keys() | now.keys() if was.get(label) != now.get(label)}
    if not changed:
        return "reworded"
    return "person" if changed <= _PERSON_LABELS else "corrected"


def rows_of(facts: SampleFacts) -> list[Row]:
    """The table of the paper: who, which sample, each step with its time, by which method."""
    specimen = " / ".join(SPECIMENS.get(facts.specimen_type, (facts.specimen_type,)))
    method = METHODS.get(facts.method, (facts.method,))[0]
    kit = ", lô ".join(part for part in (facts.kit_name, facts.kit_lot) if part)
    birth = f"{facts.birth_on:%d/%m/%Y}" if facts.birth_on else str(facts.birth_year or "–")
    form = f"Mẫu gộp {facts.sample_count} / Pool" if facts.is_pool else "Mẫu đơn / Single"
    rows = [
        Row("Họ và tên", "Full name", facts.full_name),
        Row("Ngày sinh", "Date of birth", birth),
        Row("Giới tính", "Sex", SEXES.get(facts.sex, "–")),
        Row("Số CCCD/hộ chiếu", "ID number", facts.national_id or "–"),
        Row("Quốc tịch", "Nationality", facts.nationality.replace("VN", "Việt Nam")),
        Row("Địa chỉ", "Address", facts.address or "–"),
        Row("Mã mẫu", "Sample code", grouped(facts.result_code)),
        Row("Loại bệnh phẩm", "Specimen type", specimen),
        Row("Hình thức", "Form", form),
        Row("Đơn vị lấy mẫu", "Collected by", facts.site),
        Row("Lấy mẫu lúc", "Collected at", _instant(facts.collected_at)),
        Row("Nhận mẫu lúc", "Received at", _instant(facts.received_at)),
        Row("Xét nghiệm lúc", "Tested at", _instant(facts.tested_at)),
        Row("Trả kết quả lúc", "Released at", _instant(facts.released_at)),
        Row("Kỹ thuật", "Method", f"{method} – {kit}" if kit else method),
    ]
    measured = {gene: ct for gene, ct in facts.ct_values.items() if ct is not None}
    if measured and not facts.is_pool:
        shown = "; ".join(f"{gene} {ct:.1f}".replace(".", ",") for gene, ct in measured.items())
        rows.append(Row("Giá trị Ct", "Ct values", shown))
    return rows


def _instant(value: dt.datetime | None) -> str:
    return f"{clock.local(value):%H:%M, %d/%m/%Y}" if value else "–"


def _long_day(value: dt.datetime) -> str:
    """Decree 30/2020: days below 10 and months 1 and 2 carry a leading zero."""
    day = clock.local(value).date()
    month = f"{day.month:02d}" if day.month <= 2 else str(day.month)  # noqa: PLR2004
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


def _place(province: str) -> str:
    for kind in ("Thành phố ", "Tỉnh ", "thành phố ", "tỉnh "):
        if province.startswith(kind):
            return province.removeprefix(kind)
    return province


def facts_digest(facts: SampleFacts, *, kind: str, texts: Mapping[str, Any], office: Office) -> str:
    """A digest of everything the paper would say, its code and time of issue apart.

    The same digest means that a new issue would be the same paper: then the old one is given.
    """
    told = [
        RENDERER,
        kind,
        facts.result_code,
        *rows_of(facts),
        facts.laboratory,
        facts.verifier,
        facts.result_version,
        dict(texts),
        office.province,
        office.public_url,
        office.is_training,
        office.signer,
        str(facts.retest_due_at or ""),
    ]
    plain = json.dumps(told, ensure_ascii=True, sort_keys=True, default=_plain)
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return [value.label, value.label_en, value.value]
    message = f"no plain form of {type(value).__name__}"
    raise TypeError(message)
