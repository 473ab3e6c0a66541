"""Registers many people at once: found by exact ids, or made. Nothing fuzzy decides here.

After a merge a document still names the record that it was shown for: what comes in by it (a
sample, a phone that was unknown) is kept with that record, so that an unmerge is exact. Whether
two records are one person is told by `root`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import uuid_utils as uuids
from sqlalchemy.orm import Session

from portal import bulk
from portal.audit.trail import Author, Trail
from portal.people import rules
from portal.people.rules import Known, Particulars

_FIND = """
SELECT k.kind, k.value, p.id, p.merged_into_id, p.folded_name, CAST(p.birth_on AS text),
    p.birth_year, p.sex, p.phone, p.address, p.national_id
FROM {keys} {join} person_identifiers i ON i.kind = k.kind AND i.value = k.value
JOIN people p ON p.id = i.person_id
"""
_ROOTS = """
SELECT p.id, p.merged_into_id FROM {keys} {join} people p ON p.id = k.id
WHERE p.merged_into_id IS NOT NULL
"""
_PERSON_COLUMNS = (
    "id", "uid", "full_name", "folded_name", "sort_name", "birth_on", "birth_year", "sex",
    "phone", "national_id", "address", "nationality", "area_id", "site_id", "source",
    "created_at", "version",
)  # fmt: skip
_COMPLETE = """
UPDATE people SET phone = :phone, address = :address, birth_on = :birth_on,
    birth_year = :birth_year, sex = :sex, national_id = :national_id, version = version + 1
WHERE id = :id
"""

# What `_COMPLETE` may set, in the order of `Known` and of a person in hand.
_COMPLETED = ("birth_on", "birth_year", "sex", "phone", "address", "national_id")


@dataclass(slots=True, eq=False)
class _Person:
    """A person in hand: stored before, or made now (`given` is then who was named)."""

    id: int
    known: Known
    phone: str
    address: str
    national_id: str
    given: Particulars | None = None
    origin: tuple[int | None, int | None, str] = (None, None, "")
    author: Author | None = None
    is_stored: bool = True
    is_completed: bool = False
    is_updated: bool = False
    new_identifiers: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Registered:
    """Whom a sample belongs to.

    Attributes:
        person_id: the record that the documents name, or the new one.
        is_new: made now.
        conflict_with: somebody else who holds one of the same ids, for a person to decide.
    """

    person_id: int
    is_new: bool
    conflict_with: int | None = None


class PeopleRegister:
    """People of one transaction: `load` what may be needed, `register` each, then write.

    `write_made` may come in between, so that the database works while more are registered.
    What is completed of somebody known is told to the trail, with what stood before.
    """

    def __init__(self, session: Session, trail: Trail, *, at: int) -> None:
        self._session = session
        self._trail = trail
        self._at = at
        self._by_key: dict[tuple[str, str], list[_Person]] = {}
        self._by_id: dict[int, _Person] = {}
        self._free_ids: list[int] = []
        self._made: list[_Person] = []
        self._written_count = 0
        self._conflicts: dict[tuple[int, int], str] = {}
        self._roots: dict[int, int] = {}

    def load(self, wanted: Iterable[Particulars], *, most_new: int) -> None:
        """Reads everybody who holds an id of those wanted, and reserves keys for new people."""
        keys = {pair for given in wanted for pair in given.identifiers()}
        types = {"kind": "text", "value": "text"}
        for row in bulk.look_up(self._session, _FIND, types, sorted(keys)):
            kind, value, person_id, merged_into, folded, born, year, sex, *rest = row
            if merged_into is not None:
                self._roots[person_id] = merged_into
            person = self._by_id.get(person_id)
            if person is None:
                person = _Person(person_id, Known(folded, born or "", year, sex), *rest)
                self._by_id[person_id] = person
            self._hold((kind, value), person)
        self._free_ids = bulk.next_ids(self._session, "people", most_new)[::-1]

    def load_roots(self, person_ids: Iterable[int]) -> None:
        """Reads whom these records were merged into, for `root`."""
        wanted = [[key] for key in sorted(set(person_ids) - self._by_id.keys())]
        self._roots |= dict(bulk.look_up(self._session, _ROOTS, {"id": "bigint"}, wanted))

    def root(self, person_id: int) -> int:
        """The person behind a record: itself, or whom it was merged into."""
        return self._roots.get(person_id, person_id)

    def _hold(self, key: tuple[str, str], person: _Person) -> None:
        holders = self._by_key.setdefault(key, [])
        if person not in holders:
            holders.append(person)

    def register(
        self, given: Particulars, *, site_id: int, area_id: int | None, source: str
    ) -> Registered:
        """The person of these particulars: the one who holds an id of them, else a new one."""
        conflict: tuple[int, tuple[str, str]] | None = None
        pairs = given.identifiers()
        for pair in pairs:
            for person in self._by_key.get(pair, ()):
                if rules.is_same_person(person.known, given):
                    self._complete(person, given, pairs)
                    return Registered(person.id, is_new=False)
                conflict = conflict or (person.id, pair)
        person = _Person(
            self._free_ids.pop(),
            Known(given.folded_name, given.birth_on, given.birth_year, given.sex),
            given.phone,
            given.address,
            given.national_id,
            given,
            (area_id, site_id, source),
            self._trail.author,
            is_stored=False,
            new_identifiers=pairs,
        )
        self._made.append(person)
        self._by_id[person.id] = person
        for pair in pairs:
            self._hold(pair, person)
        if conflict:
            self._conflicts[conflict[0], person.id] = conflict[1][0]
        return Registered(person.id, is_new=True, conflict_with=conflict[0] if conflict else None)

    def _complete(self, person: _Person, given: Particulars, pairs: list[tuple[str, str]]) -> None:
        """Fills what was not known; nothing that is known is overwritten."""
        known = person.known
        better = Known(
            known.folded_name,
            known.birth_on or given.birth_on,
            known.birth_year or given.birth_year,
            given.sex if known.sex == "unknown" else known.sex,
        )
        phone, address = person.phone or given.phone, person.address or given.address
        national_id = person.national_id or given.national_id
        before = (known, person.phone, person.address, person.national_id)
        told: dict[str, tuple[object, object]] = {}
        if before != (better, phone, address, national_id):
            pairs_of_values = zip(
                (*known[1:], *before[1:]), (*better[1:], phone, address, national_id), strict=True
            )
            told = {
                name: pair
                for name, pair in zip(_COMPLETED, pairs_of_values, strict=True)
                if pair[0] != pair[1]
            }
            person.known, person.phone, person.address = better, phone, address
            person.national_id = national_id
            person.is_completed = True
            person.is_updated |= person.is_stored
        new = [pair for pair in pairs if person not in self._by_key.get(pair, ())]
        for pair in new:
            person.new_identifiers.append(pair)
            self._hold(pair, person)
        if new:
            told["identifiers"] = ("", "; ".join(f"{kind} {value}" for kind, value in new))
        if told:
            self._trail.tell("people.complete", "people", person.id, f"people/{person.id}", told)

    @property
    def made_count(self) -> int:
        """How many people are new."""
        return len(self._made)

    def authors(self) -> list[tuple[int, Author]]:
        """(key, who had them registered) of the new people."""
        return [(person.id, person.author) for person in self._made if person.author]

    def made(self) -> list[tuple[int, Particulars]]:
        """(key, particulars) of the new people, in the order they came."""
        return [(person.id, person.given) for person in self._made if person.given]

    def conflicts(self) -> dict[tuple[int, int], str]:
        """(somebody known, new person) → the kind of document that both showed."""
        return self._conflicts

    def write_made(self, writer: bulk.Writer) -> None:
        """Begins to write the new people so far; what is completed later is an update."""
        created_at = bulk.InstantText(self._session)(self._at)
        rows = []
        for person in self._made[self._written_count :]:
            given = person.given
            if given is None:
                continue
            area_id, site_id, source = person.origin
            known = person.known
            person.is_stored = True
            rows.append((
                person.id, uuids.uuid7().hex, given.full_name, given.folded_name,
                given.sort_name, known.birth_on or None, known.birth_year, known.sex,
                person.phone, person.national_id, person.address, given.nationality, area_id,
                site_id, source, created_at, 1,
            ))  # fmt: skip
        self._written_count = len(self._made)
        writer.insert("people", _PERSON_COLUMNS, rows)

    def write_identifiers(self, writer: bulk.Writer) -> None:
        """Begins to write the rest of the new people, and all new ids."""
        self.write_made(writer)
        created_at = bulk.InstantText(self._session)(self._at)
        rows = [
            (person.id, kind, value, created_at)
            for person in self._by_id.values()
            for kind, value in person.new_identifiers
        ]
        writer.insert("person_identifiers", ("person_id", "kind", "value", "created_at"), rows)

    def flush(self) -> None:
        """Writes what was completed; the writer has ended."""
        completed = [p for p in self._by_id.values() if p.is_completed]
        bulk.update_rows(
            self._session,
            _COMPLETE,
            [
                {
                    "id": p.id,
                    "phone": p.phone,
                    "address": p.address,
                    "national_id": p.national_id,
                    "birth_on": p.known.birth_on or None,
                    "birth_year": p.known.birth_year,
                    "sex": p.known.sex,
                }
                for p in completed
                if p.is_updated
            ],
        )
        bulk.insert_rows(
            self._session, "person_changes", ("person_id",), [(p.id,) for p in completed]
        )
