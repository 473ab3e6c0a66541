"""Who is already known: the person index of the applier, kept exact with the tables.

Every record of a person is one entry under its own key; whom it was merged into does not matter
here. New people enter with the transaction that stores them (`match_made`, `propose`, then `keep`
after the commit, or `drop`). Whatever else changes a stored record leaves a `PersonChange`, and the
record is read again (`begin`). A saved index is exact by construction: it holds everybody up to a
key, and changes are only forgotten with a save.
"""

import contextlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
import uuid_utils.compat as uuids
from sqlalchemy.orm import Session

from core_rs import CoreError, PersonIndex
from portal import bulk, clock
from portal.people import automatic, policies, proposals, sweeps
from portal.people.models import PersonChange, PersonIndexSave
from portal.people.proposals import Proposal, Stored
from portal.people.register import PeopleRegister
from portal.people.rules import Particulars

CHUNK = 50_000
MOST_CHANGES = 2_000
MOST_PROPOSALS = 3
SWEPT_AT_ONCE = 2_000
_SAVE = 1
_COLUMNS = {
    "full_name": "full_name",
    "sex": "sex",
    "national_id": "national_id",
    "cmnd": "old_national_id",
    "health_insurance": "health_insurance_number",
    "qid": "personal_qid",
    "phone": "phone",
    "address": "address",
}
_PEOPLE = """
SELECT p.id, p.full_name, coalesce(CAST(p.birth_on AS text), CAST(p.birth_year AS text)),
    p.sex, p.national_id, p.phone, p.address
FROM people p
"""
_IDENTIFIERS = "SELECT i.person_id, i.kind, i.value FROM person_identifiers i"
_SCHEMA = {
    "person_id": pl.Int64,
    "dob": pl.String,
    **dict.fromkeys(_COLUMNS.values(), pl.String),
}


class KnownPeople:
    """The index of one process, which holds the applier's lease."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.forget()

    def forget(self) -> None:
        """Back to an empty index, to be loaded: another process may have written meanwhile."""
        self._index = PersonIndex()
        self._last_id = 0
        self._is_opened = False
        self._consumed: set[int] = set()
        self._arrived: pl.DataFrame | None = None
        self._reread: set[int] = set()
        self._unsaved = 0
        self._least_bits = 0.0
        self._found: dict[tuple[int, int], Proposal] = {}

    def __len__(self) -> int:
        return len(self._index)

    # -- from the tables and back

    def load_next(self, session: Session) -> bool:
        """Reads the saved file (first call) or one more chunk of people; whether there is more."""
        if not self._is_opened:
            self._is_opened = True
            self._load_saved(session)
        table = self._read(session, "p.id > :after ORDER BY p.id LIMIT :most", most=CHUNK)
        if table.is_empty():
            return False
        self._index.add_many(table)
        self._last_id = int(table["person_id"][-1])
        self._unsaved += table.height
        return table.height == CHUNK

    def _load_saved(self, session: Session) -> None:
        saved = session.get(PersonIndexSave, _SAVE, populate_existing=True)
        if saved is None:
            return
        # A file that is gone or damaged costs the time to read everybody again, nothing else.
        with contextlib.suppress(CoreError, OSError):
            self._index = PersonIndex.load(self._path(saved.uid))
            self._last_id = saved.last_person_id

    def _path(self, uid: uuid.UUID) -> Path:
        return self._folder / f"people-{uid.hex}.index"

    def _read(self, session: Session, where: str, **values: Any) -> pl.DataFrame:
        """Records with their documents, one row each."""
        values = {"after": self._last_id, **values}
        rows = session.execute(sa.text(f"{_PEOPLE} WHERE {where}"), values).all()
        names = ("person_id", "full_name", "dob", "sex", "national_id", "phone", "address")
        columns: dict[str, list[Any]] = {
            name: [row[n] for row in rows] for n, name in enumerate(names)
        }
        documents: dict[int, dict[str, str]] = {}
        if rows:
            keys = columns["person_id"]
            limits = {"low": min(keys), "high": max(keys)}
            between = f"{_IDENTIFIERS} WHERE i.person_id BETWEEN :low AND :high"
            for person_id, kind, value in session.execute(sa.text(between), limits):
                documents.setdefault(person_id, {}).setdefault(kind, value)
        for kind in ("cmnd", "health_insurance", "qid"):
            columns[_COLUMNS[kind]] = [
                documents.get(key, {}).get(kind) for key in columns["person_id"]
            ]
        return pl.DataFrame(columns, schema_overrides=_SCHEMA)

    @property
    def unsaved_count(self) -> int:
        """How many records entered or changed since the index was last saved."""
        return self._unsaved

    def save(self, session: Session) -> None:
        """Writes the index beside the database; in a transaction under the lease."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        saved = session.get(PersonIndexSave, _SAVE)
        current = self._path(saved.uid) if saved else None
        for path in self._folder.glob("people-*"):
            if path != current:
                path.unlink()
        uid = uuids.uuid7()
        self._index.save(self._path(uid))
        self._path(uid).chmod(0o600)
        values = {"uid": uid, "last_person_id": self._last_id, "saved_at": clock.now()}
        if saved is None:
            session.add(PersonIndexSave(id=_SAVE, **values))
        else:
            for name, value in values.items():
                setattr(saved, name, value)
        done = [{"id": key} for key in sorted(self._consumed)]
        bulk.update_rows(session, "DELETE FROM person_changes WHERE id = :id", done)
        session.flush()
        self._consumed.clear()
        self._unsaved = 0

    # -- one transaction

    def begin(self, session: Session) -> None:
        """Reads changed records again and proposes what they now resemble."""
        if self._arrived is not None:
            # The last transaction ended in a way that nobody saw: the table knows how.
            self.drop()
            while self.load_next(session):
                pass
        self._least_bits = policies.current(session).least_bits
        changes = session.execute(
            sa.select(PersonChange.id, PersonChange.person_id).order_by(PersonChange.id)
        ).all()
        fresh = [row for row in changes if row.id not in self._consumed][:MOST_CHANGES]
        if not fresh:
            return
        self._reread = {row.id for row in fresh}
        # A record whose change was seen before its making has been read as it is now.
        keys = sorted({row.person_id for row in fresh if row.person_id <= self._last_id})
        for first in range(0, len(keys), 500):
            part = keys[first : first + 500]
            wanted = ", ".join(str(key) for key in part)
            table = self._read(session, f"p.id IN ({wanted}) ORDER BY p.id")
            for key in part:
                self._index.remove(key)
            self._index.add_many(table)
            found = list(self._match(table).values())
            self._settle(session, proposals.write(session, found, at=bulk.micros(clock.now())))
        self._unsaved += len(keys)

    def sweep(self, session: Session) -> bool:
        """Proposes for the next people of a sweep that was asked for; whether there is one."""
        sweep = sweeps.current(session)
        if sweep is None or sweep.finished_at is not None:
            return False
        where = "p.id > :after AND p.id <= :until ORDER BY p.id LIMIT :most"
        limits = {"after": sweep.after_id, "until": sweep.until_id, "most": SWEPT_AT_ONCE}
        table = self._read(session, where, **limits)
        if not table.is_empty():
            found = list(self._match(table).values())
            stored = proposals.write(session, found, at=bulk.micros(clock.now()))
            self._settle(session, stored)
            sweep.after_id = int(table["person_id"][-1])
            sweep.found_count += len(stored)
        if table.height < SWEPT_AT_ONCE:
            sweep.finished_at = clock.now()
        session.flush()
        return True

    def match_made(self, register: PeopleRegister) -> None:
        """Asks for every new person of the register; needs no database."""
        made = register.made()
        self._arrived = table = _table_of(made)
        # In the index before they are asked for, so that they find each other too.
        self._index.add_many(table)
        self._found = self._match(table) if made else {}

    def propose(self, session: Session, register: PeopleRegister, *, at: int) -> None:
        """Stores who the new people, who are stored now, may be."""
        found, self._found = self._found, {}
        for (known_id, new_id), kind in register.conflicts().items():
            pair = (min(known_id, new_id), max(known_id, new_id))
            same = found.get(pair)
            found[pair] = Proposal(
                new_id,
                known_id,
                "conflict",
                same.bits if same else 0.0,
                same.probability if same else 0.0,
                {**(same.evidence if same else {}), "key": kind},
            )
        self._settle(session, proposals.write(session, list(found.values()), at=at))

    def keep(self) -> None:
        """After the commit: what was new is known from now on."""
        arrived, self._arrived = self._arrived, None
        if arrived is not None and not arrived.is_empty():
            self._last_id = int(arrived["person_id"][-1])
            self._unsaved += arrived.height
        self._consumed |= self._reread
        self._reread = set()

    def drop(self) -> None:
        """After a rollback to before `propose`: nothing of it was stored."""
        if self._arrived is not None:
            for key in self._arrived["person_id"]:
                self._index.remove(key)
        self._arrived, self._reread = None, set()

    def _match(self, table: pl.DataFrame) -> dict[tuple[int, int], Proposal]:
        """Whom the rows, which are in the index, resemble.

        Two who show one document conflict: the register would have joined them otherwise.
        """
        answers = pl.DataFrame(
            self._index.match_many(table, limit=MOST_PROPOSALS + 1, least_bits=self._least_bits)
        )
        ids = table["person_id"].to_list()
        found: dict[tuple[int, int], Proposal] = {}
        for answer in answers.iter_rows(named=True):
            own, other, key = ids[answer["row"]], answer["person_id"], answer["key"]
            pair = (min(own, other or own), max(own, other or own))
            if other is None or other == own or pair in found:
                continue
            prior, weights = self._index.explain(answer["pattern"])
            evidence: dict[str, Any] = {
                "prior": round(prior, 2),
                "weights": [[field, level, round(bits, 2)] for field, level, bits in weights],
            }
            if key:
                evidence["key"] = key
            kind = "conflict" if key else "proposal"
            found[pair] = Proposal(
                own, other, kind, answer["bits"], answer["probability"], evidence
            )
        return found

    def _settle(self, session: Session, stored: Sequence[Stored]) -> None:
        automatic.merge_certain(session, stored)


def _table_of(made: Sequence[tuple[int, Particulars]]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {"person_id": [key for key, _ in made]}
    columns["dob"] = [p.birth_on or (str(p.birth_year) if p.birth_year else "") for _, p in made]
    for name, column in _COLUMNS.items():
        columns[column] = [getattr(p, name) for _, p in made]
    return pl.DataFrame(columns, schema_overrides=_SCHEMA)
