"""F9 with a list of who was to be sampled: who of it is in no tube, by household.

The list is a file of the commune or the team. It is compared and forgotten: nothing of it is kept.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import CoreError, fold_name, normalise_name, parse_date, parse_national_id, parse_phone
from portal.actors import Actor
from portal.audit import services as audit
from portal.errors import Invalid
from portal.people.models import Person
from portal.results.planned import key_of
from portal.samples.bulk import among
from portal.samples.models import Sample
from portal.web import sheets
from portal.web.sheets import Column, Sheet

MOST_ROWS = 20_000
COLUMNS = (
    Column("number", "TT", ("STT",), example="1"),
    Column("full_name", "Họ và tên", ("Họ tên",), is_required=True, example="Nguyễn Thị Thử"),
    Column("birth", "Ngày sinh", ("Năm sinh", "NS", "Ngày tháng năm sinh"), example="31/12/1990"),
    Column("national_id", "Số CCCD", ("CCCD", "CMND", "Số CMND"), example=""),
    Column("phone", "Số điện thoại", ("SĐT", "Điện thoại"), example="0900000001"),
    Column("address", "Địa chỉ", ("Nơi ở", "Chỗ ở", "Hộ"), example="Tổ 1"),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of the list, as it is compared and as it was written.

    Attributes:
        line: in the file, as its spreadsheet counts.
        full_name, birth, phone, address: as they are shown.
        folded: the name as it is compared.
        iso: day of birth as yyyy-mm-dd, or the year alone, or empty.
        national_id: its digits, or empty.
    """

    line: int
    full_name: str
    birth: str
    phone: str
    address: str
    folded: str
    iso: str
    national_id: str


@dataclass(frozen=True, slots=True)
class Household:
    """People of one address of the list: those in no tube, and how many others are in one."""

    address: str
    missing: list[Listed]
    sampled: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of a list.

    Attributes:
        households: with somebody in no tube; those begun and not finished first.
        planned, sampled, missing: people of the list.
        incomplete: households of which some are in a tube and some are not.
        problems: lines that could not be read, with the reason.
    """

    households: list[Household]
    planned: int
    sampled: int
    missing: int
    incomplete: int
    problems: list[str]


def compare(
    session: Session, actor: Actor, *, campaign_id: int, file_name: str, content: bytes
) -> Compared:
    """Who of the list has no sample in the campaign, as far as the actor sees its samples.

    A person is the same by national ID, or by name with day (or year) of birth, or by name with
    phone; two different national IDs are two people.

    Raises:
        Invalid: no file, or one that cannot be read as a list.
    """
    if not content:
        raise Invalid(_("Choose a file first."))
    sheet = sheets.read_sheet(COLUMNS, file_name, content)
    people = list(_people(sheet))
    if len(people) > MOST_ROWS:
        raise Invalid(_("The list has more than %(most)s lines.", most=MOST_ROWS))
    known = _Sampled.of(session, campaign_id, people)
    households: dict[str, list[tuple[Listed, bool]]] = defaultdict(list)
    for person in people:
        # Without an address everybody is a household of one.
        key = key_of(person.address) or f"#{person.line}"
        households[key].append((person, known.holds(person)))
    found = []
    for members in households.values():
        missing = [person for person, is_sampled in members if not is_sampled]
        if missing:
            found.append(Household(missing[0].address, missing, len(members) - len(missing)))
    found.sort(key=lambda house: (not house.sampled, house.address))
    missing_count = sum(len(house.missing) for house in found)
    audit.note(session, actor, "compare planned list", "samples", row_count=len(people))
    return Compared(
        found,
        len(people),
        len(people) - missing_count,
        missing_count,
        sum(1 for house in found if house.sampled),
        [
            _("Line %(line)s: %(problem)s", line=sheet.line(number), problem="; ".join(problems))
            for number, problems in sorted(sheet.errors.items())
        ],
    )


def _people(sheet: Sheet) -> Iterable[Listed]:
    for number, cells in sheet.rows():
        sheets.check_required(sheet, number, cells)
        name = normalise_name(cells.get("full_name", "") or "")
        birth, phone, card = (cells.get(key, "") for key in ("birth", "phone", "national_id"))
        iso = ""
        if birth:
            try:
                iso = parse_date(birth).iso
            except CoreError:
                sheet.add_error(number, _("«%(text)s» is no date of birth", text=birth))
        if card:
            try:
                card = parse_national_id(card).number
            except CoreError:
                sheet.add_error(number, _("«%(text)s» is no national ID", text=card))
        if phone:
            try:
                phone = parse_phone(phone).number
            except CoreError:
                sheet.add_error(number, _("«%(text)s» is no Vietnamese phone number", text=phone))
        if number not in sheet.errors:
            yield Listed(
                sheet.line(number), name, birth, phone, cells.get("address", ""),
                fold_name(name), iso, card,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sampled:
    """Who has a sample, by what a line of the list may give."""

    cards: set[str]
    births: dict[tuple[str, str], set[str]]
    phones: dict[tuple[str, str], set[str]]

    @classmethod
    def of(cls, session: Session, campaign_id: int, people: list[Listed]) -> "_Sampled":
        names = sorted({person.folded for person in people})
        cards = sorted({person.national_id for person in people if person.national_id})
        is_asked = among(session, Person.folded_name, names)
        if cards:
            is_asked = sa.or_(is_asked, among(session, Person.national_id, cards))
        rows = session.execute(
            sa.select(
                Person.national_id,
                Person.folded_name,
                Person.birth_on,
                Person.birth_year,
                Person.phone,
            )
            .join(Sample, Sample.person_id == Person.id)
            .where(Sample.campaign_id == campaign_id, Sample.withdrawn_at.is_(None), is_asked)
        )
        made = cls(set(), defaultdict(set), defaultdict(set))
        for card, name, born, year, phone in rows:
            if card:
                made.cards.add(card)
            if born:
                made.births[name, born.isoformat()].add(card)
                made.births[name, str(born.year)].add(card)
            elif year:
                made.births[name, f"~{year}"].add(card)
            if phone:
                made.phones[name, phone].add(card)
        return made

    def holds(self, person: Listed) -> bool:
        if person.national_id and person.national_id in self.cards:
            return True
        cards = set()
        if person.iso:
            # Of some people only the year is known.
            for iso in (person.iso, f"~{person.iso[:4]}"):
                cards |= self.births.get((person.folded, iso), set())
        if person.phone:
            cards |= self.phones.get((person.folded, person.phone), set())
        # Another card is another person.
        return any(not card or not person.national_id for card in cards)
