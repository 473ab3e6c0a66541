"""A sampling list kept on paper or in a workbook: tubes and samples by the door devices use.

Rows are checked here, all problems at once; what passes becomes the events a device would have
sent and goes into the journal, so that one set of rules registers every sample. Ids and result
codes follow from the row, so that the same list again (or its corrected copy) changes nothing.
"""

import datetime as dt
import json
import uuid
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
import uuid_utils.compat as uuids
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import (
    CoreError,
    code_check_symbol,
    fold_name,
    normalise_name,
    parse_date,
    parse_national_id,
    parse_phone,
)
from portal import clock
from portal.actors import Actor
from portal.audit import services as audit
from portal.campaigns.models import CollectionSession
from portal.errors import Forbidden, Invalid
from portal.ingest.grants import make_grant
from portal.ingest.journal import Arrival
from portal.ingest.models import Device
from portal.ingest.services import enrol_device, revoke_device
from portal.samples.models import Tube
from portal.samples.rules import clean_code
from portal.samples.tube_codes import load_tube_codes
from portal.web import sheets
from portal.web.sheets import Column, Sheet

COLUMNS = (
    Column("number", "TT", ("STT",), example="1"),
    Column(
        "tube", "Mã ống", ("Mã mẫu", "Mã vạch", "Barcode"), is_required=True,
        example="DNG2611230000017",
    ),
    Column("full_name", "Họ và tên", ("Họ tên",), is_required=True, example="Nguyễn Thị Thử"),
    Column(
        "birth", "Ngày sinh", ("Năm sinh", "NS", "Ngày tháng năm sinh"), is_required=True,
        example="31/12/1990",
    ),
    Column("sex", "Giới tính", ("Giới",), example="Nữ"),
    Column("national_id", "Số CCCD", ("CCCD", "CMND", "Số CMND"), example=""),
    Column("health_insurance_number", "Số thẻ BHYT", ("BHYT",), example=""),
    Column("phone", "Số điện thoại", ("SĐT", "Điện thoại"), example="0900000001"),
    Column("address", "Địa chỉ", ("Nơi ở", "Chỗ ở"), example="Tổ 1"),
    Column("collected", "Ngày giờ lấy mẫu", ("Giờ lấy mẫu", "Ngày lấy mẫu"), example=""),
)  # fmt: skip
_SEXES = {"nam": "male", "nu": "female", "": ""}
_TAKES_MORE = {"open", "sealed"}
_EVENTS_A_BATCH = 1000
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(slots=True)
class Report:
    """What became of a list.

    Attributes:
        sample_count, tube_count: what was sent on to be registered.
        answer_file: the list once more with an error column.
        codes_file: a workbook of the people taken down and their result codes.
    """

    row_count: int
    sample_count: int
    tube_count: int
    error_count: int
    answer_file: bytes
    answer_name: str
    codes_file: bytes


@dataclass(slots=True)
class ListedTube:
    """A tube and its rows without a problem.

    Attributes:
        code: as on the label.
        rows: `person`, `at`, `label` (what ids follow from), `result_code`, and `noted`, further
            parts of the event.
        held_count: samples that were in it before.
        is_sealed_after: whether its list of people is whole with these rows.
    """

    code: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    held_count: int = 0
    is_sealed_after: bool = True


def template() -> bytes:
    """The empty list, from the importer's own schema."""
    return sheets.template_file(COLUMNS)


def import_samples(
    session: Session,
    actor: Actor,
    sitting: CollectionSession,
    *,
    file_name: str,
    content: bytes,
    secret_key: str,
) -> tuple[Report, list[Arrival]]:
    """Reads a list; gives what became of it and what to append to the journal after the commit.

    The rows without a problem are batches of a device of the site made for this list alone.

    Raises:
        Invalid: the file can not be read at all.
        Forbidden: the actor has no account of staff, or the session is closed.
    """
    require_open(actor, sitting)
    if not content:
        raise Invalid(_("Choose a file first."), code="scanning.no_file")
    sheet = sheets.read_sheet(COLUMNS, file_name, content)
    tubes, row_count = check_rows(session, sheet, sitting, secret_key)
    count = sum(len(tube.rows) for tube in tubes)
    arrivals: list[Arrival] = []
    if count:
        arrivals = send(session, actor, sitting, tubes, secret_key)
        audit.note(session, actor, "import samples", "samples", row_count=count)
    stem, _dot, ending = file_name.rpartition(".")
    report = Report(
        row_count,
        count,
        len(tubes),
        len(sheet.errors),
        sheets.answer_file(sheet),
        f"{stem or 'danh-sach'}-loi.{ending or 'xlsx'}",
        _codes_file(tubes),
    )
    return report, arrivals


def require_open(actor: Actor, sitting: CollectionSession) -> None:
    """Samples are taken down by staff of the site, in a session that is open.

    Raises:
        NotFound: the session is at another site.
        Forbidden: the actor has no account of staff, or the session is closed.
    """
    actor.scope.require_site(sitting.site_id)
    if actor.staff_id is None or actor.user_id is None:
        raise Forbidden(_("Only staff collect samples."), code="scanning.staff")
    if sitting.status != "open":
        raise Forbidden(_("This session is not open."), code="scanning.session_closed")


def check_rows(
    session: Session, sheet: Sheet, sitting: CollectionSession, secret_key: str
) -> tuple[list[ListedTube], int]:
    """The tubes with the rows that have no problem; every other problem is noted in the sheet."""
    ranges = load_tube_codes(session)
    listed = list(sheet.rows())
    codes = {clean_code(cells.get("tube", "")) for _number, cells in listed}
    known = {
        tube.code: tube for tube in session.scalars(sa.select(Tube).where(Tube.code.in_(codes)))
    }
    tubes: dict[str, ListedTube] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for number, cells in listed:
        sheets.check_required(sheet, number, cells)
        code = clean_code(cells.get("tube", ""))
        if code:
            tube = known.get(code)
            if tube is None and not ranges.is_registered(code):
                sheet.add_error(number, _("Tube code «%(code)s» was not handed out", code=code))
            elif tube is not None and tube.collection_session_id != sitting.id:
                sheet.add_error(number, _("Tube %(code)s belongs to another session", code=code))
            elif tube is not None and tube.status not in _TAKES_MORE:
                sheet.add_error(number, _("Tube %(code)s has left the point", code=code))
        person = _person(sheet, number, cells)
        key = (code, fold_name(person["full_name"]), person["birth_date"])
        first = seen.setdefault(key, number)
        if first != number:
            sheet.add_error(
                number,
                _("The same person stands in this tube in line %(line)s", line=sheet.line(first)),
            )
        at = _instant(sheet, number, cells.get("collected", ""), sitting)
        if number not in sheet.errors:
            label = "/".join((sitting.code, *key))
            row = {"person": person, "at": at, "label": label}
            row["result_code"] = _result_code(label, secret_key)
            tubes.setdefault(code, ListedTube(code)).rows.append(row)
    return list(tubes.values()), len(listed)


def _person(sheet: Sheet, number: int, cells: dict[str, str]) -> dict[str, str]:
    name = normalise_name(cells.get("full_name", "") or "")
    if name and " " not in name:
        sheet.add_error(number, _("The full name needs at least two words"))
    birth = cells.get("birth", "")
    if birth:
        try:
            birth = parse_date(birth).iso
        except CoreError:
            sheet.add_error(number, _("«%(text)s» is no date of birth", text=birth))
    sex = fold_name(cells.get("sex", ""))
    if sex not in _SEXES:
        sheet.add_error(number, _("The sex is Nam or Nữ"))
    for column, reader, sentence in (
        ("phone", parse_phone, _("«%(text)s» is no Vietnamese phone number")),
        ("national_id", parse_national_id, _("«%(text)s» is no national ID")),
    ):
        text = cells.get(column, "")
        if text:
            try:
                reader(text)
            except CoreError:
                sheet.add_error(number, sentence % {"text": text})
    person = {"full_name": name, "birth_date": birth, "sex": _SEXES.get(sex, "")}
    for column in ("national_id", "health_insurance_number", "phone", "address"):
        person[column] = cells.get(column, "")
    return person


def _instant(sheet: Sheet, number: int, text: str, sitting: CollectionSession) -> dt.datetime:
    """When the sample was taken: as the list says, else at noon of the session's day."""
    noon = clock.start_of_day(sitting.held_on) + dt.timedelta(hours=12)
    if not text.strip():
        return min(noon, clock.now())
    for form in ("%d/%m/%Y %H:%M", "%H:%M %d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%H:%M"):
        try:
            found = dt.datetime.strptime(text.strip(), form)  # noqa: DTZ007 - made aware below
        except ValueError:
            continue
        day = sitting.held_on if form == "%H:%M" else found.date()
        hours = dt.timedelta(hours=found.hour, minutes=found.minute)
        at = clock.start_of_day(day) + hours
        if at > clock.now():
            break
        return at
    sheet.add_error(number, _("«%(text)s» is no time of sampling: dd/mm/yyyy hh:mm", text=text))
    return noon


def _result_code(label: str, secret_key: str) -> str:
    """A result code that follows from the row for us, and from nothing for anybody else."""
    key = blake2b(f"list/{secret_key}".encode(), digest_size=32).digest()
    value = int.from_bytes(blake2b(label.encode(), key=key, digest_size=7).digest())
    body = "".join(_ALPHABET[value >> 5 * place & 31] for place in range(10))
    return body + code_check_symbol(body)


def send(
    session: Session,
    actor: Actor,
    sitting: CollectionSession,
    tubes: list[ListedTube],
    secret_key: str,
) -> list[Arrival]:
    """The batches that register these tubes, to be appended to the journal after the commit."""
    grant = make_grant(
        secret_key,
        staff_id=actor.staff_id or 0,
        user_id=actor.user_id or 0,
        username=actor.name,
        site_id=sitting.site_id,
        at=clock.now(),
    )
    device = device_for(session, actor, sitting)
    return arrivals_of(device, events_of(tubes, sitting, grant))


def device_for(session: Session, actor: Actor, sitting: CollectionSession) -> Device:
    """A device for this list alone: its numbers start at 1, its token is known to nobody."""
    name = f"Danh sách {sitting.code} {clock.local(clock.now()):%d/%m %H:%M:%S.%f}"[:-3]
    device, _token = enrol_device(session, actor, site_id=sitting.site_id, name=name)
    revoke_device(session, actor, device_id=device.id)
    return device


def events_of(
    tubes: list[ListedTube], sitting: CollectionSession, grant: str
) -> list[dict[str, Any]]:
    """What a device would have sent: each tube opened, its samples, and closed."""
    events = []

    def event(kind: str, at: dt.datetime, data: dict[str, Any]) -> None:
        events.append(
            {
                "event_id": str(uuids.uuid7()),
                "kind": kind,
                "occurred_at": at.isoformat(),
                "actor_grant": grant,
                "data": data,
            }
        )

    for tube in tubes:
        first, last = (chosen(row["at"] for row in tube.rows) for chosen in (min, max))
        size = max(len(tube.rows), 1)
        opened = {"tube_code": tube.code, "session_code": sitting.code, "planned_size": size}
        event("tube.opened", first, opened)
        for place, row in enumerate(tube.rows, start=tube.held_count + 1):
            data = {
                "sample_id": str(uuid.uuid5(uuid.NAMESPACE_OID, row["label"])),
                "tube_code": tube.code,
                "position": place,
                "result_code": row["result_code"],
                "source": "typed",
                "person": {key: value for key, value in row["person"].items() if value},
                **row.get("noted", {}),
            }
            event("sample.collected", row["at"], data)
        if tube.is_sealed_after:
            sealed = {"tube_code": tube.code, "sample_count": len(tube.rows)}
            event("tube.sealed", last, sealed)
    return events


def arrivals_of(device: Device, events: list[dict[str, Any]]) -> list[Arrival]:
    """The events as numbered batches of the device, as the door would have taken them."""
    arrivals = []
    for seq, start in enumerate(range(0, len(events), _EVENTS_A_BATCH), start=1):
        body = {
            "device_id": str(device.uid),
            "batch_id": str(uuids.uuid7()),
            "seq": seq,
            "events": events[start : start + _EVENTS_A_BATCH],
        }
        at = int(clock.now().timestamp() * 1_000_000)
        arrivals.append(Arrival(device.id, seq, at, json.dumps(body).encode()))
    return arrivals


def _codes_file(tubes: list[ListedTube]) -> bytes:
    headers = ["Mã ống", "Họ và tên", "Ngày sinh", "Mã tra cứu kết quả"]
    rows = [
        [tube.code, row["person"]["full_name"], row["person"]["birth_date"], row["result_code"]]
        for tube in tubes
        for row in tube.rows
    ]
    return sheets.write_workbook(headers, rows)
