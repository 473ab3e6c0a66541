"""Tubes and samples as devices register them: many at once, in one transaction.

`load` reads what the events may touch, each verb changes it in memory under the rules, `write` and
`flush` store it. Verbs say what became of the event; they never raise for a rule that was broken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from portal import bulk
from portal.audit.trail import Trail
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.campaigns.sittings import Sitting, load_sittings
from portal.people.register import PeopleRegister
from portal.people.rules import Particulars
from portal.samples import registration_rows as rows
from portal.samples import retest_labels
from portal.samples.registration_rows import SampleRow, TubeRow
from portal.samples.tube_codes import TubeCodes, load_tube_codes

_HOUR = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an event: applied (perhaps with a remark) or refused; `code` is stable."""

    is_applied: bool
    code: str = ""
    detail: str = ""


APPLIED = Said(is_applied=True)


def remark(code: str, detail: str = "") -> Said:
    """Applied, with something to know."""
    return Said(is_applied=True, code=code, detail=detail)


def refuse(code: str, detail: str = "") -> Said:
    """Not applied."""
    return Said(is_applied=False, code=code, detail=detail)


@dataclass(frozen=True, slots=True)
class Remarked:
    """A contradiction to be kept as a finding (`docs/pooling.md`)."""

    code: str
    is_blocking: bool
    tube_id: int
    sample_id: int | None
    campaign_id: int
    site_id: int
    detail: dict[str, object]


@dataclass(slots=True)
class Collected:
    """What a device says of one sample; instants in microseconds since 1970."""

    uid: str
    tube_code: str
    result_code: str
    position: int
    collected_at: int
    collector_id: int | None
    source: str
    is_symptomatic: bool
    subject_group: str
    retest_of: str
    declaration_id: int | None = None
    declared_person_id: int | None = None


@dataclass(slots=True)
class Wanted:
    """The keys that a set of events may touch."""

    session_codes: set[str] = field(default_factory=set)
    tube_codes: set[str] = field(default_factory=set)
    sample_uids: set[str] = field(default_factory=set)
    result_codes: set[str] = field(default_factory=set)
    person_ids: set[int] = field(default_factory=set)
    opening_count: int = 0
    collecting_count: int = 0


class Registration:
    """The tubes and samples of one transaction."""

    def __init__(self, session: Session, people: PeopleRegister, trail: Trail, *, at: int) -> None:
        self._session = session
        self._trail = trail
        self._people = people
        self._at = at
        self._sittings: dict[str, Sitting] = {}
        self._sittings_by_id: dict[int, Sitting] = {}
        self._tubes: dict[str, TubeRow] = {}
        self._samples: dict[str, SampleRow] = {}
        self._by_result_code: dict[str, SampleRow] = {}
        # tube code reserved for a retest → slip code of the first sample
        self._reserved: Mapping[str, str] = {}
        self._tube_codes: TubeCodes | None = None
        self._free_tube_ids: list[int] = []
        self._free_sample_ids: list[int] = []
        # campaign, site, hour in microseconds since 1970, measure
        self._counts: dict[tuple[int, int, int, Measure], int] = {}
        self.findings: list[Remarked] = []

    def load(self, wanted: Wanted) -> None:
        """Reads what the events may touch; on PostgreSQL the tubes stay locked to the end."""
        tubes = rows.load_tubes(self._session, wanted.tube_codes)
        self._reserved = retest_labels.slips_of(self._session, wanted.tube_codes)
        slips = wanted.result_codes | set(self._reserved.values())
        samples = rows.load_samples(self._session, wanted.sample_uids, slips)
        more = {s.tube_code for s in samples} - wanted.tube_codes
        for tube in [*tubes, *rows.load_tubes(self._session, more)]:
            self._tubes[tube.code] = tube
        for sample in samples:
            self._samples[sample.uid] = sample
            self._by_result_code[sample.result_code] = sample
        self._people.load_roots(wanted.person_ids | {sample.person_id for sample in samples})
        known_ids = {tube.collection_session_id for tube in self._tubes.values()}
        for sitting in load_sittings(self._session, wanted.session_codes, known_ids):
            self._sittings[sitting.code] = sitting
            self._sittings_by_id[sitting.id] = sitting
        self._free_tube_ids = bulk.next_ids(self._session, "tubes", wanted.opening_count)[::-1]
        self._free_sample_ids = bulk.next_ids(self._session, "samples", wanted.collecting_count)[
            ::-1
        ]

    def _is_registered(self, code: str) -> bool:
        if self._tube_codes is None:
            self._tube_codes = load_tube_codes(self._session)
        return self._tube_codes.is_registered(code)

    def _count(self, tube: TubeRow, at: int, measure: Measure, by: int = 1) -> None:
        key = (tube.campaign_id, tube.site_id, at - at % _HOUR, measure)
        self._counts[key] = self._counts.get(key, 0) + by

    def _find(self, code: str, tube: TubeRow, sample: SampleRow | None, **detail: object) -> None:
        self.findings.append(
            Remarked(
                code=code,
                is_blocking=code in {"F3", "F5"},
                tube_id=tube.id,
                sample_id=sample.id if sample else None,
                campaign_id=tube.campaign_id,
                site_id=tube.site_id,
                detail=detail,
            )
        )

    # -- verbs

    def open_tube(  # noqa: PLR0911 - one rule, one way out
        self, *, code: str, session_code: str, planned_size: int, at: int, device_id: int,
        site_id: int,
    ) -> Said:  # fmt: skip
        """A tube is opened in a collection session."""
        sitting = self._sittings.get(session_code)
        if sitting is None:
            return refuse("unknown_session", "There is no collection session of this code.")
        if sitting.site_id != site_id:
            return refuse("session_of_other_site", "The collection session is of another site.")
        tube = self._tubes.get(code)
        if tube is not None:
            if tube.collection_session_id != sitting.id:
                self._find("F13", tube, None, session_code=session_code)
                return refuse("tube_in_other_session", "The tube was opened in another session.")
            return remark("already_open")
        if not self._is_registered(code):
            return refuse("tube_not_registered", "The tube code is in no range handed out.")
        tube = TubeRow(
            id=self._free_tube_ids.pop(),
            code=code,
            campaign_id=sitting.campaign_id,
            collection_session_id=sitting.id,
            site_id=sitting.site_id,
            planned_size=planned_size,
            is_new=True,
            method=sitting.method,
            specimen_type=sitting.specimen_type,
            opened_at=at,
            device_id=device_id,
        )
        self._tubes[code] = tube
        self._count(tube, at, Measure.TUBES_REGISTERED)
        if sitting.max_size is not None and planned_size > sitting.max_size:
            return remark("tube_over_policy", "The tube is meant for more than the rule allows.")
        return remark("session_closed") if sitting.status == "closed" else APPLIED

    def collect(  # noqa: PLR0911 - one rule, one way out
        self, given: Collected, person: Particulars | None, *, site_id: int
    ) -> Said:
        """One person's sample goes into a tube."""
        known = self._samples.get(given.uid)
        if known is not None:
            is_same = (known.result_code, known.tube_code) == (given.result_code, given.tube_code)
            return remark("already_collected") if is_same else refuse("sample_id_taken")
        if given.result_code in self._by_result_code:
            return refuse("result_code_taken", "Another sample has this slip's code.")
        tube = self._tubes.get(given.tube_code)
        if tube is None:
            return refuse("unknown_tube", "The tube was not opened.")
        if tube.site_id != site_id:
            return refuse("tube_of_other_site", "The tube is of another site.")
        if tube.status in {"discarded", "lost", "rejected"}:
            return refuse("tube_closed", "The tube was discarded, lost or rejected.")
        sitting = self._sittings_by_id[tube.collection_session_id]
        if given.is_symptomatic and tube.planned_size > 1 and not sitting.allows_symptomatic:
            return refuse(
                "symptomatic_in_pool", "A person with symptoms needs a tube of their own."
            )
        person_id, said = self._person_in(tube, given, person, sitting)
        if person_id is None:
            return said
        if self._people.root(person_id) in tube.people:
            return refuse("person_in_tube", "The person is in this tube already.")
        return self._add(tube, given, person_id, sitting, said)

    def _person_in(
        self, tube: TubeRow, given: Collected, person: Particulars | None, sitting: Sitting
    ) -> tuple[int | None, Said]:
        """Who it is; in a tube reserved for a retest nobody has to say whose retest it is."""
        if given.retest_of or tube.code not in self._reserved:
            return self._person_of(given, person, sitting)
        given.retest_of = self._reserved[tube.code]
        person_id, said = self._person_of(given, person, sitting)
        if said.code == "retest_of_other_person":
            given.retest_of = ""
            said = remark("label_of_other_person", "The label is reserved for another person.")
        return person_id, said

    def _person_of(
        self, given: Collected, person: Particulars | None, sitting: Sitting
    ) -> tuple[int | None, Said]:
        earlier = self._by_result_code.get(given.retest_of) if given.retest_of else None
        if given.declared_person_id is not None:
            person_id, said = given.declared_person_id, APPLIED
        elif earlier is not None and (person is None or not person.identifiers()):
            # The slip of the first sample names the person better than a name does.
            person_id, said = earlier.person_id, APPLIED
        elif person is not None:
            found = self._people.register(
                person, site_id=sitting.site_id, area_id=sitting.area_id, source=given.source
            )
            person_id = found.person_id
            said = remark("identity_conflict") if found.conflict_with else APPLIED
        else:
            return None, refuse("no_person", "Nobody is named.")
        if given.retest_of and earlier is None:
            said = remark("unknown_retest_of", "The earlier sample is not known.")
        elif earlier is not None and not self._is_same(earlier.person_id, person_id):
            said = remark("retest_of_other_person", "The earlier sample is another person's.")
        return person_id, said

    def _is_same(self, left_id: int, right_id: int) -> bool:
        return self._people.root(left_id) == self._people.root(right_id)

    def _add(
        self, tube: TubeRow, given: Collected, person_id: int, sitting: Sitting, said: Said
    ) -> Said:
        earlier = self._by_result_code.get(given.retest_of)
        is_late = tube.status != "open"
        sample = SampleRow(
            id=self._free_sample_ids.pop(),
            uid=given.uid,
            result_code=given.result_code,
            tube_code=tube.code,
            person_id=person_id,
            state="HOLD" if is_late else "WAITING",
            state_reason="late" if is_late else "",
            is_new=True,
            given=given,
            tube=tube,
            retest_of_id=earlier.id if earlier else None,
            author=self._trail.author,
        )
        self._samples[sample.uid] = sample
        self._by_result_code[sample.result_code] = sample
        tube.people.add(self._people.root(person_id))
        tube.sample_count += 1
        tube.is_changed = True
        self._count_sample(tube, given)
        if is_late:
            self._find("F5", tube, sample, tube_status=tube.status)
            return remark("late_member", "The tube was sealed; the sample waits for a decision.")
        if sitting.max_size is not None and tube.sample_count > sitting.max_size:
            self._find("F3", tube, sample, sample_count=tube.sample_count, most=sitting.max_size)
            return remark("tube_over_policy", "The tube holds more than the rule allows.")
        return said

    def _count_sample(self, tube: TubeRow, given: Collected) -> None:
        if given.retest_of:
            self._count(tube, given.collected_at, Measure.PEOPLE_RETESTED)
            return
        self._count(tube, given.collected_at, Measure.PEOPLE_REGISTERED)
        is_typed = given.source == "typed"
        measure = Measure.PEOPLE_TYPED if is_typed else Measure.PEOPLE_SCANNED
        self._count(tube, given.collected_at, measure)

    def withdraw(self, *, uid: str, reason: str, at: int, site_id: int) -> Said:
        """A sample is taken back, while its tube is at the point."""
        sample = self._samples.get(uid)
        if sample is None:
            return refuse("unknown_sample", "There is no such sample.")
        tube = self._tubes[sample.tube_code]
        if tube.site_id != site_id:
            return refuse("unknown_sample", "There is no such sample.")
        if sample.withdrawn_at is not None:
            return remark("already_withdrawn")
        if tube.status not in {"open", "sealed"}:
            return refuse("tube_gone", "The tube has left the point.")
        if not sample.is_new:
            told = {
                "withdrawn_at": (None, bulk.instant(at)),
                "withdrawal_reason": ("", reason),
            }
            owner = f"people/{sample.person_id}"
            self._trail.tell("samples.withdraw", "samples", sample.id, owner, told)
        sample.withdrawn_at = at
        sample.withdrawal_reason = reason
        sample.is_changed = True
        tube.people.discard(self._people.root(sample.person_id))
        tube.sample_count -= 1
        tube.is_changed = True
        self._count(tube, at, Measure.PEOPLE_WITHDRAWN)
        return APPLIED

    def seal(self, *, code: str, sample_count: int, at: int, site_id: int) -> Said:
        """A tube is closed: the list of its people is final."""
        tube = self._tubes.get(code)
        if tube is None or tube.site_id != site_id:
            return refuse("unknown_tube", "The tube was not opened.")
        if tube.status != "open":
            return remark("already_sealed")
        tube.status, tube.sealed_at, tube.is_changed = "sealed", at, True
        if sample_count != tube.sample_count:
            self._find("F4", tube, None, device=sample_count, registered=tube.sample_count)
            return remark("count_differs", f"{tube.sample_count} samples are registered.")
        return APPLIED

    def discard(self, *, code: str, reason: str, at: int, site_id: int) -> Said:
        """A tube is thrown away at the point; its people must be sampled again."""
        tube = self._tubes.get(code)
        if tube is None or tube.site_id != site_id:
            return refuse("unknown_tube", "The tube was not opened.")
        if tube.status == "discarded":
            return remark("already_discarded")
        if tube.status not in {"open", "sealed"}:
            return refuse("tube_gone", "The tube has left the point.")
        if not tube.is_new:
            told = {"status": (tube.status, "discarded"), "rejection_reason": ("", reason)}
            self._trail.tell("tubes.discard", "tubes", tube.id, "", told)
        tube.status, tube.is_changed, tube.discard_reason = "discarded", True, reason
        tube.discarded_at, tube.discarded_by = at, self._trail.author
        for sample in self._samples.values():
            if sample.tube_code == code and sample.is_new and sample.withdrawn_at is None:
                sample.state, sample.state_reason = "RETEST_DUE", "discarded"
        return APPLIED

    def sample_of(self, uid: str, *, site_id: int) -> SampleRow | None:
        """The sample of this id at this site, stored or in hand."""
        sample = self._samples.get(uid)
        if sample is None or self._tubes[sample.tube_code].site_id != site_id:
            return None
        return sample

    def write_people(self, writer: bulk.Writer) -> None:
        """Begins to write the new people so far, while more is registered."""
        self._people.write_made(writer)

    def write(self, writer: bulk.Writer) -> None:
        """Begins to write everything that is new; nothing is registered after it."""
        text = bulk.InstantText(self._session)
        self._people.write_made(writer)
        rows.write_new_tubes(writer, self._tubes.values(), text=text)
        rows.write_new_samples(writer, self._samples.values(), at=self._at, text=text)
        self._people.write_identifiers(writer)

    def flush(self) -> None:
        """Writes changes of what was stored before, and counts; the writer has ended."""
        text = bulk.InstantText(self._session)
        self._people.flush()
        rows.change_tubes(self._session, self._tubes.values(), self._trail, text=text)
        rows.withdraw_samples(self._session, self._samples.values(), text=text)
        deltas = {
            (campaign_id, site_id, bulk.instant(hour), str(measure)): count
            for (campaign_id, site_id, hour, measure), count in self._counts.items()
        }
        counters.add(self._session, deltas)

    def collected(self) -> Iterable[SampleRow]:
        """The samples that are new."""
        return (sample for sample in self._samples.values() if sample.is_new)
