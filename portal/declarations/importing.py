"""Declarations taken on paper and typed into a list: every problem at once, the same file back."""

import hashlib
import uuid
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy.orm import Session

from core_rs import fold_name
from portal import clock
from portal.actors import Actor
from portal.declarations import queries, rules, services
from portal.errors import DomainError
from portal.web import sheets
from portal.web.sheets import Column

COLUMNS = (
    Column("number", "TT", ("STT",), example="1"),
    Column("full_name", "Họ và tên", ("Họ tên",), is_required=True, example="Nguyễn Thị Thử"),
    Column(
        "birth",
        "Ngày sinh",
        ("Năm sinh", "NS", "Ngày tháng năm sinh"),
        is_required=True,
        example="31/12/1990",
        hint="dd/mm/yyyy hoặc chỉ năm sinh",
    ),
    Column("sex", "Giới tính", ("Giới",), is_required=True, example="Nữ", hint="Nam, Nữ, Khác"),
    Column("national_id", "Số CCCD", ("CCCD", "CMND", "Số CMND", "Hộ chiếu"), example=""),
    Column("phone", "Số điện thoại", ("SĐT", "Điện thoại"), example="0900000001"),
    Column("area", "Xã, phường", ("Phường/Xã", "Xã"), example="Hải Châu", hint="tên hoặc mã"),
    Column("address", "Địa chỉ", ("Số nhà, đường", "Thôn/tổ"), example="Tổ 1"),
    Column("travelled", "Nơi đã đến trong 14 ngày", ("Nơi đã đến",), example=""),
    Column(
        "symptoms",
        "Triệu chứng",
        ("Dấu hiệu",),
        is_required=True,
        example="không",
        hint="không; hoặc sốt, ho, khó thở …",
    ),
    Column(
        "had_contact", "Tiếp xúc F0/nghi nhiễm", ("Tiếp xúc",), is_required=True, example="không"
    ),
)
_SEXES = {"nam": "male", "nu": "female", "khac": "other"}
_ANSWERS = {"co": "yes", "khong": "no", "x": "yes", "yes": "yes", "no": "no"}
_SYMPTOMS = {
    "sot": "fever",
    "ho": "cough",
    "kho tho": "dyspnea",
    "viem phoi": "pneumonia",
    "dau hong": "sore_throat",
    "met moi": "fatigue",
    "met": "fatigue",
    "mat vi giac": "anosmia",
    "mat khuu giac": "anosmia",
    "dau nguoi": "myalgia",
    "dau moi nguoi": "myalgia",
    "on lanh": "chills",
    "dau dau": "headache",
    "chay mui": "runny_nose",
    "nghet mui": "runny_nose",
    "so mui": "runny_nose",
    "buon non": "nausea",
    "non": "vomiting",
    "tieu chay": "diarrhea",
    "khong": "none",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a list."""

    row_count: int
    created_count: int
    error_count: int
    answer_file: bytes
    answer_name: str


def template() -> bytes:
    """The empty list, from the importer's own schema."""
    return sheets.template_file(COLUMNS)


def import_declarations(
    session: Session, actor: Actor, *, file_name: str, content: bytes, province_name: str
) -> Report:
    """Makes a declaration of every row without a problem; the same file again changes nothing.

    Raises:
        Invalid: the file can not be read at all.
    """
    sheet = sheets.read_sheet(COLUMNS, file_name, content)
    today = clock.today()
    communes = {
        key: commune.code
        for commune in queries.communes_of(session, province_name, today)
        for key in (fold_name(commune.name), commune.code)
    }
    digest = hashlib.sha256(content).hexdigest()
    row_count = created = 0
    for number, cells in sheet.rows():
        row_count += 1
        raw, problems = _as_answers(cells, communes)
        problems += [problem for _, problem in rules.problems_of(raw, today)]
        if problems:
            for problem in dict.fromkeys(problems):
                sheet.add_error(number, problem)
            continue
        uid = uuid.uuid5(uuid.NAMESPACE_OID, f"{digest}:{number}")
        try:
            services.submit(session, actor, raw=raw, uid=uid)
        except DomainError as error:
            sheet.add_error(number, gettext("The commune is outside your area.") or error.message)
        else:
            created += 1
    stem, _dot, ending = file_name.rpartition(".")
    return Report(
        row_count,
        created,
        len(sheet.errors),
        sheets.answer_file(sheet),
        f"{stem or 'to-khai'}-loi.{ending or 'xlsx'}",
    )


def _as_answers(
    cells: dict[str, str], communes: dict[str, str]
) -> tuple[dict[str, object], list[str]]:
    problems = []
    area = fold_name(cells.get("area", ""))
    if area and area not in communes:
        problems.append(gettext("There is no commune with this name or code."))
    symptoms = []
    for word in cells.get("symptoms", "").replace(";", ",").split(","):
        key = fold_name(word)
        if not key:
            continue
        if key not in _SYMPTOMS:
            problems.append(
                gettext("The symptom «%(word)s» is not on the list.", word=word.strip())
            )
        else:
            symptoms.append(_SYMPTOMS[key])
    raw: dict[str, object] = {
        "declared_by": "staff",
        "full_name": cells.get("full_name", ""),
        "birth": cells.get("birth", ""),
        "sex": _SEXES.get(fold_name(cells.get("sex", "")), "?"),
        "national_id": cells.get("national_id", ""),
        "phone": cells.get("phone", ""),
        "area_code": communes.get(area, ""),
        "address": cells.get("address", ""),
        "travelled": cells.get("travelled", ""),
        "symptoms": symptoms or ("?" if problems else None),
        "had_contact": _ANSWERS.get(fold_name(cells.get("had_contact", "")), ""),
    }
    return raw, problems
