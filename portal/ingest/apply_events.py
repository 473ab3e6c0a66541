"""Applies the events of several batches in one transaction, in order, by the rules of the areas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

import core_rs
import portal.results.identities  # noqa: F401 - results follow when people are merged
from portal import bulk, clock
from portal.actors import Actor, system
from portal.audit.trail import Author, Trail
from portal.declarations.models import Declaration
from portal.ingest.antigen import AntigenReads
from portal.ingest.columns import Events, raw_event
from portal.ingest.grants import BadGrant, Grant, read_grant
from portal.ingest.outcomes import Outcomes, Source, named
from portal.ingest.trust import trust_list
from portal.people.known import KnownPeople
from portal.people.register import PeopleRegister
from portal.people.rules import Particulars
from portal.results.matching import rematch
from portal.samples.registration import (
    APPLIED,
    Collected,
    Registration,
    Said,
    Wanted,
    refuse,
    remark,
)

_DONE = """
SELECT k.device_id, k.event_id FROM {keys} {join} event_outcomes o
ON o.device_id = k.device_id AND o.event_id = k.event_id
"""
_ACTOR = system("applier")
_UNPROVED = "dcc.unverified"
# People are handed to the database in such pieces, while the rest is judged.
_WRITTEN_TOGETHER = 1000
_KINDS_OF_SAMPLES = {"sample.withdrawn", "antigen.read", "antigen.released"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch whose turn it is. `only` limits it to some of its events (to isolate a fault)."""

    source: Source
    body: bytes
    only: frozenset[int] | None = None


class ReadAhead:
    """The columns of bodies that were read while earlier ones were being written."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies
        try:
            self._events: Events | None = Events(bodies)
        except core_rs.CoreError:
            self._events = None  # the applier finds the one that fails by halving

    def events(self, bodies: list[bytes]) -> Events:
        """The columns of these bodies: those at hand, if order and gaps left them as they came."""
        if self._events is not None and bodies == self._bodies:
            return self._events
        return Events(bodies)


class EventApplier:
    """One transaction's worth of events."""

    def __init__(
        self,
        session: Session,
        secret_key: str,
        known: KnownPeople,
        *,
        ahead: ReadAhead | None = None,
    ) -> None:
        self._session = session
        self._ahead = ahead
        self._secret_key = secret_key
        self._known = known
        self._at = bulk.micros(clock.now())
        self._grants: dict[str, Grant | Said] = {}
        self._people_of: dict[int, Particulars] = {}
        self._declared: dict[str, tuple[int, int | None, Particulars]] = {}
        # (body, grant) → who
        self._authors: dict[tuple[int, str], Author] = {}
        self._trail = Trail(Author(_ACTOR))
        self.outcomes = Outcomes()

    def apply(self, batches: list[Ready]) -> int:
        """Applies every event that has no outcome yet; how many that were."""
        self._bodies = bodies = [batch.body for batch in batches]
        self._events = events = self._ahead.events(bodies) if self._ahead else Events(bodies)
        sources = [
            Source(b.source.device_id, b.source.device_name, b.source.site_id, read.batch_id)
            for b, read in zip(batches, events.batches, strict=True)
        ]
        self._done = self._already_done(sources)
        todo = self._choose(batches, sources)
        self._known.begin(self._session)
        self._load(todo)
        with bulk.Writer(self._session) as writer:
            for place, n in enumerate(todo):
                source = sources[events.body[n]]
                said, username = self._judge(n, source)
                event_id = events.event_id[n]
                if event_id:
                    self.outcomes.add(source, event_id, username, events.kind[n], said)
                if not said.is_applied:
                    self.outcomes.quarantine(source, event_id, raw_event(bodies, events, n), said)
                if place % _WRITTEN_TOGETHER == _WRITTEN_TOGETHER - 1:
                    self._registration.write_people(writer)
            for finding in self._registration.findings:
                self.outcomes.find(finding)
            self._registration.write(writer)
            self._tell_made()
            self.outcomes.write(writer, now=bulk.InstantText(self._session)(self._at))
            self._known.match_made(self._people)
        self._registration.flush()
        self._antigen.flush(self._registration.collected())
        self._settle_rapid_tests()
        self._known.propose(self._session, self._people, at=self._at)
        self._link_declarations()
        self._trail.write(self._session)
        return len(todo)

    def _tell_made(self) -> None:
        samples = self._registration.collected()
        self.outcomes.tell_made("samples", [(s.id, s.author) for s in samples if s.author])
        self.outcomes.tell_made("people", self._people.authors())

    def _already_done(self, sources: list[Source]) -> set[tuple[int, str]]:
        events = self._events
        keys = [
            (sources[body].device_id, event_id)
            for body, event_id in zip(events.body, events.event_id, strict=True)
            if event_id
        ]
        types = {"device_id": "bigint", "event_id": "uuid"}
        found = bulk.look_up(self._session, _DONE, types, keys)
        return {(row[0], getattr(row[1], "hex", row[1])) for row in found}

    def _choose(self, batches: list[Ready], sources: list[Source]) -> list[int]:
        """The events that are new: not decided before, and each once."""
        events = self._events
        todo: list[int] = []
        seen = self._done
        start = 0
        for batch, read, source in zip(batches, events.batches, sources, strict=True):
            for place in range(read.event_count):
                n = start + place
                key = (source.device_id, events.event_id[n])
                is_wanted = batch.only is None or place in batch.only
                if not is_wanted or key in seen:
                    continue
                if key[1]:
                    seen.add(key)
                todo.append(n)
            start += read.event_count
        return todo

    def _load(self, todo: list[int]) -> None:
        events, wanted, people = self._events, Wanted(), []
        for n in todo:
            kind = events.kind[n]
            if events.problem[n]:
                continue
            if kind == "tube.opened":
                wanted.session_codes.add(events.session_code[n])
                wanted.opening_count += 1
            if kind in _KINDS_OF_SAMPLES:
                wanted.sample_uids.add(events.sample_id[n])
                continue
            wanted.tube_codes.add(events.tube_code[n])
            if kind == "sample.collected":
                wanted.collecting_count += 1
                wanted.sample_uids.add(events.sample_id[n])
                wanted.result_codes.add(events.result_code[n])
                if events.retest_of[n]:
                    wanted.result_codes.add(events.retest_of[n])
                person = self._people_of[n] = events.person[n]
                people.append(person)
        self._load_declarations(todo)
        register = self._people = PeopleRegister(self._session, self._trail, at=self._at)
        people += [particulars for _, _, particulars in self._declared.values()]
        wanted.person_ids = {key for _, key, _ in self._declared.values() if key is not None}
        register.load(people, most_new=wanted.collecting_count)
        self._registration = Registration(self._session, register, self._trail, at=self._at)
        self._registration.load(wanted)
        self._antigen = AntigenReads(self._session, wanted.sample_uids, self._trail)

    def _load_declarations(self, todo: list[int]) -> None:
        codes = {self._events.declaration_code[n] for n in todo} - {""}
        if not codes:
            return
        found = self._session.scalars(
            sa.select(Declaration).where(Declaration.lookup_code.in_(codes))
        )
        for row in found:
            particulars = Particulars(
                row.full_name,
                row.folded_name,
                row.sort_name,
                row.birth_on.isoformat() if row.birth_on else "",
                row.birth_year,
                row.sex,
                row.phone,
                row.national_id if len(row.national_id) == 12 else "",  # noqa: PLR2004 - CCCD
                row.national_id if len(row.national_id) == 9 else "",  # noqa: PLR2004 - CMND
                "",
                "",
                "",
                row.address,
                is_name_plain=False,
            )
            self._declared[row.lookup_code] = (row.id, row.person_id, particulars)

    # -- one event

    def _judge(self, n: int, source: Source) -> tuple[Said, str]:
        events = self._events
        if events.problem[n]:
            return refuse(events.problem[n], events.detail[n]), ""
        grant = self._grant(events.grant[n])
        if isinstance(grant, Said):
            return grant, ""
        if grant.site_id != source.site_id:
            return refuse("grant_of_other_site", "The shift grant is for another site."), ""
        self._trail.author = self._author(n, source, grant)
        said = self._verbs[events.kind[n]](self, n, source, grant)
        if said is APPLIED and not grant.covers(events.occurred_at[n]):
            said = remark("outside_shift", "It happened outside the shift of the grant.")
        return said, grant.username

    def _author(self, n: int, source: Source, grant: Grant) -> Author:
        key = (self._events.body[n], self._events.grant[n])
        author = self._authors.get(key)
        if author is None:
            name = named(source.device_name, grant.username)
            actor = Actor("device", name, user_id=grant.user_id, staff_id=grant.staff_id)
            author = self._authors[key] = Author(actor, source.batch_id)
        return author

    def _grant(self, text: str) -> Grant | Said:
        grant = self._grants.get(text)
        if grant is None:
            try:
                grant = read_grant(self._secret_key, text)
            except BadGrant as bad:
                grant = refuse(bad.code, "The event carries no shift grant of ours.")
            self._grants[text] = grant
        return grant

    def _open_tube(self, n: int, source: Source, grant: Grant) -> Said:
        del grant
        events = self._events
        return self._registration.open_tube(
            code=events.tube_code[n],
            session_code=events.session_code[n],
            planned_size=events.planned_size[n],
            at=events.occurred_at[n],
            device_id=source.device_id,
            site_id=source.site_id,
        )

    def _collect(self, n: int, source: Source, grant: Grant) -> Said:
        events = self._events
        person: Particulars | None = self._people_of[n]
        declaration_id = declared_person_id = None
        code = events.declaration_code[n]
        if code:
            declared = self._declared.get(code)
            if declared is not None:
                declaration_id, declared_person_id, person = declared
            elif not events.full_name[n]:
                return refuse("unknown_declaration", "There is no declaration of this code.")
        given = Collected(
            uid=events.sample_id[n],
            tube_code=events.tube_code[n],
            result_code=events.result_code[n],
            position=events.position[n],
            collected_at=events.occurred_at[n],
            collector_id=grant.staff_id,
            source=events.source[n],
            is_symptomatic=events.is_symptomatic[n],
            subject_group=events.subject_group[n],
            retest_of=events.retest_of[n],
            declaration_id=declaration_id,
            declared_person_id=declared_person_id,
        )
        said = self._registration.collect(given, person, site_id=source.site_id)
        doubts = self._doubts(n) if said is APPLIED else ""
        return remark("person_to_check", doubts) if doubts else said

    def _doubts(self, n: int) -> str:
        """Codes of what is doubtful about a person; a trusted signer's HC1 is proof, no claim."""
        codes = self._events.warnings[n]
        if _UNPROVED not in codes:
            return codes
        event = orjson.loads(raw_event(self._bodies, self._events, n))
        verdict = core_rs.verify_dcc(
            event["data"]["payload"].strip(), trust_list(self._session), clock.now()
        )
        proved = {_UNPROVED} if verdict.is_valid else set()
        return ",".join(code for code in codes.split(",") if code not in proved)

    def _withdraw(self, n: int, source: Source, grant: Grant) -> Said:
        del grant
        events = self._events
        return self._registration.withdraw(
            uid=events.sample_id[n],
            reason=events.reason[n],
            at=events.occurred_at[n],
            site_id=source.site_id,
        )

    def _seal(self, n: int, source: Source, grant: Grant) -> Said:
        del grant
        events = self._events
        return self._registration.seal(
            code=events.tube_code[n],
            sample_count=events.sample_count[n],
            at=events.occurred_at[n],
            site_id=source.site_id,
        )

    def _discard(self, n: int, source: Source, grant: Grant) -> Said:
        del grant
        events = self._events
        return self._registration.discard(
            code=events.tube_code[n],
            reason=events.reason[n],
            at=events.occurred_at[n],
            site_id=source.site_id,
        )

    def _read_antigen(self, n: int, source: Source, grant: Grant) -> Said:
        events = self._events
        sample = self._registration.sample_of(events.sample_id[n], site_id=source.site_id)
        if sample is None:
            return refuse("unknown_sample", "There is no such sample.")
        return self._antigen.read(
            sample,
            site_id=source.site_id,
            kit_name=events.kit_name[n],
            kit_lot=events.kit_lot[n],
            outcome=events.outcome[n],
            read_at=events.read_at[n],
            user_id=grant.user_id,
        )

    def _release_antigen(self, n: int, source: Source, grant: Grant) -> Said:
        events = self._events
        sample = self._registration.sample_of(events.sample_id[n], site_id=source.site_id)
        if sample is None:
            return refuse("unknown_sample", "There is no such sample.")
        return self._antigen.release(
            sample,
            site_id=source.site_id,
            outcome=events.outcome[n],
            at=events.occurred_at[n],
            user_id=grant.user_id,
        )

    def _settle_rapid_tests(self) -> None:
        """What the released rapid tests mean for their people."""
        tube_ids = self._antigen.released_tubes
        if tube_ids:
            rematch(self._session, _ACTOR, tube_ids, at=bulk.instant(self._at))

    def _link_declarations(self) -> None:
        """A declaration whose person was scanned at the point opens that person's results."""
        rows = []
        unknown = {key for key, person_id, _ in self._declared.values() if person_id is None}
        for sample in self._registration.collected():
            if sample.given is None or sample.given.declaration_id is None:
                continue
            key, person_id = sample.given.declaration_id, sample.person_id
            rows.append({"id": key, "person_id": person_id})
            if key in unknown:
                unknown.discard(key)
                told = {"person_id": (None, person_id)}
                self._trail.tell("declarations.link", "declarations", key, f"declarations/{key}",
                                 told, author=sample.author)  # fmt: skip
        statement = "UPDATE declarations SET person_id = :person_id WHERE id = :id"
        bulk.update_rows(self._session, f"{statement} AND person_id IS NULL", rows)

    # Of the class: an object that holds its own methods is freed by nobody but the collector of
    # cycles, with everything its transaction had in hand.
    _verbs: ClassVar[Mapping[str, Callable[..., Said]]] = {
        "tube.opened": _open_tube,
        "sample.collected": _collect,
        "sample.withdrawn": _withdraw,
        "tube.sealed": _seal,
        "tube.discarded": _discard,
        "antigen.read": _read_antigen,
        "antigen.released": _release_antigen,
    }
