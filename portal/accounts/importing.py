"""The staff list: every problem of every row at once, accounts for the rest, the same file back."""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import CoreError, normalise_name, parse_date, parse_phone
from portal import clock
from portal.accounts import rules, services
from portal.accounts.models import StaffImport, StaffProfile
from portal.accounts.services import Invitation
from portal.actors import Actor
from portal.errors import DomainError, Invalid
from portal.roles import PROVINCE_WIDE, Role
from portal.sites.models import Site
from portal.web import sheets
from portal.web.sheets import Sheet

_SCIENTIFIC = re.compile(r"^\d[.,]\d+[eE]\+?\d+$")


@dataclass(slots=True)
class _Row:
    number: int
    invitation: Invitation
    course: str
    trained_on: dt.date | None


@dataclass(slots=True)
class _Context:
    sites: dict[str, list[Site]]
    known: dict[str, list[StaffProfile]]
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)


def template() -> bytes:
    """The empty staff list, from the importer's own schema."""
    return sheets.template_file(rules.STAFF_COLUMNS)


def import_staff(session: Session, actor: Actor, *, file_name: str, content: bytes) -> StaffImport:
    """Makes an account for every row without a problem; a list sent again changes nothing.

    Raises:
        Invalid: the file can not be read at all; problems of rows stand in the answer file.
    """
    sheet = sheets.read_sheet(rules.STAFF_COLUMNS, file_name, content)
    context = _context(session)
    accepted, unchanged, row_count = [], 0, 0
    for number, cells in sheet.rows():
        row_count += 1
        row = _check(actor, sheet, context, number, cells)
        if row is None:
            continue
        twin = _known(context, row.invitation)
        if twin is None:
            accepted.append(row)
        else:
            unchanged += 1
            _record_training(session, actor, [(twin, row)])
    profiles = services.invite(session, actor, [row.invitation for row in accepted])
    _record_training(session, actor, list(zip(profiles, accepted, strict=True)))
    record = StaffImport(
        file_name=file_name[:200],
        file_sha256=hashlib.sha256(content).hexdigest(),
        site_id=None if actor.scope.is_everything else min(actor.scope.site_ids, default=None),
        row_count=row_count,
        created_count=len(profiles),
        unchanged_count=unchanged,
        error_count=len(sheet.errors),
        answer_file=sheets.answer_file(sheet),
        uploaded_by_id=actor.user_id,
        uploaded_at=clock.now(),
    )
    session.add(record)
    session.flush()
    return record


def _context(session: Session) -> _Context:
    places: dict[str, list[Site]] = {}
    for site in session.scalars(sa.select(Site)):
        for text in (site.name, site.code):
            places.setdefault(rules.words_key(text), []).append(site)
    known: dict[str, list[StaffProfile]] = {}
    for profile in session.scalars(sa.select(StaffProfile).where(StaffProfile.phone != "")):
        known.setdefault(profile.phone, []).append(profile)
    return _Context(places, known)


def _check(
    actor: Actor, sheet: Sheet, context: _Context, number: int, cells: dict[str, str]
) -> _Row | None:
    """The row as an invitation, or None after noting every problem it has."""
    before = len(sheet.errors.get(number, []))
    sheets.check_required(sheet, number, cells)
    name = normalise_name(cells.get("full_name", "")) if cells.get("full_name") else ""
    if name and " " not in name:
        sheet.add_error(number, _("The full name needs at least two words"))
    phone = _phone(sheet, number, cells.get("phone", ""))
    role = _role(actor, sheet, number, cells.get("role", ""))
    site = _site(actor, sheet, context, number, cells.get("site", ""))
    trained_on = _day(sheet, number, "trained_on", cells)
    expires_on = _day(sheet, number, "expires_on", cells)
    _check_days(sheet, number, trained_on, expires_on)
    if phone and name:
        _check_twice(sheet, context, number, phone, name)
    if len(sheet.errors.get(number, [])) > before or role is None or site is None:
        return None
    invitation = Invitation(
        full_name=name,
        phone=phone,
        role=role,
        site_id=None if role in PROVINCE_WIDE and site.kind == "department" else site.id,
        position=cells.get("position", "")[:80],
        expires_on=expires_on,
    )
    return _Row(number, invitation, cells.get("course", ""), trained_on)


def _phone(sheet: Sheet, number: int, text: str) -> str:
    if not text:
        return ""
    if _SCIENTIFIC.match(text):
        sheet.add_error(
            number, _("The phone number was cut by Excel («%(text)s»), type it anew", text=text)
        )
        return ""
    try:
        return parse_phone(text).number
    except CoreError:
        sheet.add_error(number, _("«%(text)s» is no Vietnamese phone number", text=text))
        return ""


def _role(actor: Actor, sheet: Sheet, number: int, text: str) -> Role | None:
    if not text:
        return None
    role = rules.find_role(text)
    if role is None:
        first_word = {role: word for word, role in reversed(rules.ROLE_WORDS.items())}
        known = ", ".join(first_word.values())
        sheet.add_error(
            number, _("«%(text)s» is no role, write one of: %(known)s", text=text, known=known)
        )
        return None
    try:
        services.check_may_give(actor, role)
    except DomainError as refused:
        sheet.add_error(number, refused.message)
        return None
    return role


def _site(actor: Actor, sheet: Sheet, context: _Context, number: int, text: str) -> Site | None:
    if not text:
        return None
    found = context.sites.get(rules.words_key(text), [])
    found = [site for site in found if actor.scope.covers_site(site.id)]
    if not found:
        sheet.add_error(number, _("«%(text)s» is no site of yours, add it first", text=text))
        return None
    if len(found) > 1:
        codes = ", ".join(site.code for site in found)
        sheet.add_error(
            number,
            _("Several sites are called «%(text)s», use a code: %(codes)s", text=text, codes=codes),
        )
        return None
    return found[0]


def _day(sheet: Sheet, number: int, name: str, cells: dict[str, str]) -> dt.date | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        found = parse_date(text)
        if found.precision == "day":
            return dt.date.fromisoformat(found.iso)
    except CoreError:
        pass  # said below, in one sentence for every way of being no day
    header = next(c.header for c in rules.STAFF_COLUMNS if c.name == name)
    sheet.add_error(
        number,
        _("«%(text)s» in «%(header)s» is no day, write dd/mm/yyyy", text=text, header=header),
    )
    return None


def _check_days(
    sheet: Sheet, number: int, trained_on: dt.date | None, expires_on: dt.date | None
) -> None:
    today = clock.today()
    if trained_on is not None and trained_on > today:
        sheet.add_error(number, _("The day of training lies in the future."))
    if expires_on is not None and expires_on < today:
        sheet.add_error(number, _("The account would have ended already."))


def _check_twice(sheet: Sheet, context: _Context, number: int, phone: str, name: str) -> None:
    """One phone is one person: the same row twice is said, two names on one phone too."""
    earlier = context.seen.setdefault(phone, (number, rules.words_key(name)))
    if earlier[0] != number:
        line = sheet.line(earlier[0])
        sheet.add_error(number, _("The same phone number stands in line %(line)s", line=line))
    others = [p for p in context.known.get(phone, []) if _key(p) != rules.words_key(name)]
    if others and not _same_name(context, phone, name):
        sheet.add_error(number, _("Another account already has this phone number"))


def _key(profile: StaffProfile) -> str:
    return rules.words_key(profile.full_name)


def _same_name(context: _Context, phone: str, name: str) -> bool:
    return any(_key(p) == rules.words_key(name) for p in context.known.get(phone, []))


def _known(context: _Context, invitation: Invitation) -> StaffProfile | None:
    for profile in context.known.get(invitation.phone, []):
        if _key(profile) == rules.words_key(invitation.full_name):
            return profile
    return None


def _record_training(
    session: Session, actor: Actor, pairs: list[tuple[StaffProfile, _Row]]
) -> None:
    """One call for each course and day, however many rows name it."""
    courses: dict[tuple[str, dt.date], list[int]] = {}
    for profile, row in pairs:
        if row.trained_on is not None:
            course = row.course or _("Before the first use")
            courses.setdefault((course, row.trained_on), []).append(profile.id)
    for (course, trained_on), staff_ids in courses.items():
        services.record_training(
            session, actor, staff_ids=staff_ids, course=course, trained_on=trained_on
        )


def check_readable(content: bytes) -> None:
    """Raises `Invalid` for an upload that is empty."""
    if not content:
        raise Invalid(_("Choose a file first."), code="accounts.no_file")
