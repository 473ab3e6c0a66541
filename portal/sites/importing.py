"""The department's list of sites (R12): every problem of every row at once, the same file back."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import CoreError, fold_name, parse_phone
from portal import clock
from portal.actors import Actor
from portal.areas import queries as areas
from portal.areas.models import AdminUnit
from portal.errors import DomainError
from portal.sites import services
from portal.sites.models import Site
from portal.sites.rules import SiteKind
from portal.web import sheets
from portal.web.sheets import Column, Sheet

COLUMNS = (
    Column("number", "TT", ("STT",), example="1"),
    Column(
        "code", "Mã đơn vị", ("Mã", "Mã cơ sở"), is_required=True, example="DN001",
        hint="2 đến 16 chữ cái không dấu, chữ số, gạch nối",
    ),
    Column(
        "name", "Tên đơn vị", ("Đơn vị", "Cơ sở", "Tên cơ sở"), is_required=True,
        example="Điểm lấy mẫu Phường Hải Châu",
    ),
    Column(
        "kind", "Loại", ("Loại đơn vị", "Loại hình"), is_required=True, example="Điểm lấy mẫu",
        hint="Điểm lấy mẫu, Phòng xét nghiệm, Điểm tiêm, Cơ sở cách ly, Sở Y tế",
    ),
    Column(
        "area", "Xã, phường", ("Địa bàn", "Phường/Xã", "Xã"), example="Hải Châu",
        hint="tên hoặc mã; để trống nếu thuộc cả tỉnh",
    ),
    Column("address", "Địa chỉ", ("Nơi đặt",), example="Số 1 đường Thử"),
    Column("phone", "Số điện thoại", ("SĐT", "Điện thoại"), example="0900000001"),
    Column("fee", "Có thu phí", ("Thu phí",), example="không", hint="có hoặc không"),
)  # fmt: skip
_KINDS = {
    "diem lay mau": SiteKind.COLLECTION,
    "lay mau": SiteKind.COLLECTION,
    "phong xet nghiem": SiteKind.LABORATORY,
    "xet nghiem": SiteKind.LABORATORY,
    "diem tiem": SiteKind.VACCINATION,
    "diem tiem chung": SiteKind.VACCINATION,
    "co so cach ly": SiteKind.QUARANTINE,
    "khu cach ly": SiteKind.QUARANTINE,
    "so y te": SiteKind.DEPARTMENT,
}
_FEES = {"": False, "khong": False, "no": False, "0": False, "co": True, "x": True, "1": True}


@dataclass(slots=True)
class Report:
    """What became of a list; `answer_file` is the list once more with an error column."""

    row_count: int = 0
    created_count: int = 0
    corrected_count: int = 0
    unchanged_count: int = 0
    error_count: int = 0
    answer_file: bytes = b""
    answer_name: str = ""


def template() -> bytes:
    """The empty list, from the importer's own schema."""
    return sheets.template_file(COLUMNS)


def import_sites(
    session: Session, actor: Actor, *, file_name: str, content: bytes, province_name: str
) -> Report:
    """Adds the sites of a list, and corrects those whose code is known; sent again, no change.

    Raises:
        Invalid: the file can not be read at all; problems of rows stand in the answer file.
    """
    sheet = sheets.read_sheet(COLUMNS, file_name, content)
    units = _units(session, province_name)
    known = {site.code: site for site in session.scalars(sa.select(Site))}
    first_lines: dict[str, int] = {}
    report = Report()
    for number, cells in sheet.rows():
        report.row_count += 1
        details = _details(sheet, units, number, cells)
        if details is None:
            continue
        first = first_lines.setdefault(details.code, number)
        if first != number:
            message = _("The code stands in line %(line)s already", line=sheet.line(first))
            sheet.add_error(number, message)
            continue
        try:
            _write(session, actor, report, known.get(details.code), details)
        except DomainError as error:
            for problem in error.details or [error.message]:
                sheet.add_error(number, str(problem))
    stem, _dot, ending = file_name.rpartition(".")
    report.error_count = len(sheet.errors)
    report.answer_file = sheets.answer_file(sheet)
    report.answer_name = f"{stem or 'don-vi'}-loi.{ending or 'xlsx'}"
    return report


def _write(
    session: Session,
    actor: Actor,
    report: Report,
    site: Site | None,
    details: services.SiteDetails,
) -> None:
    if site is None:
        services.create(session, actor, details)
        report.created_count += 1
        return
    phone = parse_phone(details.phone).number if details.phone else ""
    same = services.SiteDetails(
        site.code, site.name, site.kind, site.area_id, site.address, site.phone,
        site.is_fee_charging,
    ) == services.SiteDetails(
        details.code, details.name, details.kind, details.area_id, details.address, phone,
        details.is_fee_charging,
    )  # fmt: skip
    if same:
        report.unchanged_count += 1
        return
    services.correct(session, actor, site_id=site.id, details=details)
    report.corrected_count += 1


def _units(session: Session, province_name: str) -> dict[str, int]:
    """Keys of the province's units by name and by code; the empty name is the province itself."""
    today = clock.today()
    province = areas.find_province(session, province_name, today)
    if province is None:
        return {}
    units: dict[str, int] = {"": province.id, province.code: province.id}
    communes: list[AdminUnit] = areas.communes_of(session, province.code, today)
    for commune in communes:
        units[commune.code] = commune.id
        units[fold_name(commune.name)] = commune.id
        units[fold_name(f"{commune.kind} {commune.name}")] = commune.id
    return units


def _details(
    sheet: Sheet, units: dict[str, int], number: int, cells: dict[str, str]
) -> services.SiteDetails | None:
    """The row as a site's details, or None after noting every problem it has."""
    sheets.check_required(sheet, number, cells)
    kind = _KINDS.get(fold_name(cells.get("kind", "")))
    if kind is None and cells.get("kind"):
        sheet.add_error(number, _("«%(kind)s» is no kind of site.", kind=cells["kind"]))
    area = fold_name(cells.get("area", ""))
    if area not in units:
        sheet.add_error(number, _("There is no commune with this name or code."))
    fee = _FEES.get(fold_name(cells.get("fee", "")))
    if fee is None:
        sheet.add_error(number, _("Fees are «có» or «không»"))
    phone = cells.get("phone", "")
    if phone:
        try:
            parse_phone(phone)
        except CoreError:
            sheet.add_error(number, _("«%(text)s» is no Vietnamese phone number", text=phone))
    if number in sheet.errors or kind is None:
        return None
    return services.SiteDetails(
        code=cells["code"].upper(),
        name=cells["name"],
        kind=kind,
        area_id=units[area],
        address=cells.get("address", ""),
        phone=phone,
        is_fee_charging=bool(fee),
    )
