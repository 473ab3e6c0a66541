"""Rapid antigen results from the point: one person reads, another releases.

Rules: a lot is used until its last day; the second person says the same outcome, or that the two
readings differ (`inconclusive`); a positive calls for an RT-PCR sample of its own. What follows
for the person is settled with everything else (`portal.results.matching`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import bulk, clock
from portal.audit.trail import Trail
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.results.models import KitLot
from portal.samples.registration import APPLIED, Said, refuse, remark
from portal.samples.registration_rows import SampleRow

_READS = """
SELECT {uid} AS uid, r.id, r.outcome, r.read_by_id, r.released_at IS NOT NULL
FROM {{keys}} {{join}} samples s ON s.uid = k.uid JOIN antigen_reads r ON r.sample_id = s.id
"""
_TAKEN = """
SELECT {uid} AS uid, s.tube_id, s.campaign_id, t.method, {epoch}
FROM {{keys}} {{join}} samples s ON s.uid = k.uid JOIN tubes t ON t.id = s.tube_id
"""
_COLUMNS = (
    "id", "sample_id", "site_id", "kit_name", "kit_lot", "due_at", "outcome", "read_at",
    "read_by_id", "released_at", "released_by_id",
)  # fmt: skip
_RELEASE = """
UPDATE antigen_reads SET released_at = :at, released_by_id = :user_id, outcome = :outcome
WHERE id = :id
"""
_LINK_PCR = """
UPDATE antigen_reads SET pcr_sample_id = :id
WHERE sample_id = :earlier AND pcr_sample_id IS NULL
AND EXISTS (SELECT 1 FROM tubes t WHERE t.id = :tube_id AND t.method = 'pcr')
"""
_MINUTE = 60 * 1_000_000
_HOUR = 60 * _MINUTE
# Two devices' clocks may differ this much before a reading is called early or late.
_CLOCKS = 2 * _MINUTE


@dataclass(slots=True)
class _Taken:
    """Where and when a sample was taken; instants in microseconds since 1970."""

    tube_id: int
    campaign_id: int
    method: str
    collected_at: int


@dataclass(slots=True)
class _Read:
    """A reading in hand; `row` only where it is new, `released` only where that is."""

    outcome: str
    user_id: int | None
    is_released: bool = False
    id: int | None = None
    row: tuple[int, int, str, str, int, int] | None = None
    released: tuple[int, int | None] | None = None


class AntigenReads:
    """The rapid tests of one transaction."""

    def __init__(self, session: Session, sample_uids: Iterable[str], trail: Trail) -> None:
        self._session = session
        self._trail = trail
        is_sqlite = bulk.is_sqlite(session)
        uid = "s.uid" if is_sqlite else "replace(CAST(s.uid AS text), '-', '')"
        epoch = "CAST(strftime('%s', s.collected_at) AS integer)"
        if not is_sqlite:
            epoch = "CAST(floor(extract(epoch FROM s.collected_at)) AS bigint)"
        self._uid, self._epoch = uid, epoch
        self._keys = [[key] for key in sorted(sample_uids)]
        self._reads: dict[str, _Read] = {}
        self._taken: dict[str, _Taken] = {}
        self._lots: dict[tuple[str, str], KitLot] | None = None
        self._counts: Counter[tuple[int, int, int, Measure]] = Counter()
        # Tubes whose members' states must be settled anew.
        self.released_tubes: set[int] = set()

    def _load(self) -> None:
        """Read when the first rapid test comes: most transactions have none."""
        if self._lots is not None:
            return
        found = bulk.look_up(
            self._session, _READS.format(uid=self._uid), {"uid": "uuid"}, self._keys
        )
        for key, row_id, outcome, user_id, is_released in found:
            self._reads[key] = _Read(outcome, user_id, bool(is_released), id=row_id)
        statement = _TAKEN.format(uid=self._uid, epoch=self._epoch)
        for key, tube_id, campaign_id, method, seconds in bulk.look_up(
            self._session, statement, {"uid": "uuid"}, self._keys
        ):
            self._taken[key] = _Taken(tube_id, campaign_id, method, int(seconds) * 1_000_000)
        lots = self._session.scalars(sa.select(KitLot))
        self._lots = {(lot.kit_name, lot.lot_number): lot for lot in lots}

    def _taken_of(self, sample: SampleRow) -> _Taken:
        if sample.is_new and sample.given and sample.tube:
            tube = sample.tube
            method = tube.method or self._method_of(tube.id)
            return _Taken(tube.id, tube.campaign_id, method, sample.given.collected_at)
        return self._taken[sample.uid]

    def _method_of(self, tube_id: int) -> str:
        """The method of a tube that was opened in an earlier transaction."""
        statement = sa.text("SELECT method FROM tubes WHERE id = :id")
        return str(self._session.execute(statement, {"id": tube_id}).scalar_one())

    def read(
        self, sample: SampleRow, *, site_id: int, kit_name: str, kit_lot: str, outcome: str,
        read_at: int, user_id: int | None,
    ) -> Said:  # fmt: skip
        """The collector reads a test."""
        self._load()
        known = self._reads.get(sample.uid)
        if known is not None:
            is_same = known.outcome == outcome
            return remark("already_read") if is_same else refuse("read_before_differs")
        taken = self._taken_of(sample)
        if taken.method != "antigen":
            return refuse("not_rapid", "The sample was not taken for a rapid test.")
        if sample.withdrawn_at is not None:
            return refuse("unknown_sample", "The sample was withdrawn.")
        lot = (self._lots or {}).get((kit_name, kit_lot))
        said = _judge_lot(lot, taken, read_at)
        if not said.is_applied:
            return said
        minutes = lot.reading_minutes if lot else 0
        due_at = taken.collected_at + minutes * _MINUTE if lot else read_at
        self._reads[sample.uid] = _Read(
            outcome, user_id, row=(sample.id, site_id, kit_name, kit_lot, due_at, read_at)
        )
        self._count(taken, site_id, read_at, Measure.RAPID_READ)
        return said

    def release(
        self, sample: SampleRow, *, site_id: int, outcome: str, at: int, user_id: int | None
    ) -> Said:
        """A second person confirms what was read; the state of the person follows."""
        self._load()
        known = self._reads.get(sample.uid)
        if known is None:
            return refuse("not_read", "The test was not read.")
        if known.is_released:
            return remark("already_released")
        if outcome not in {known.outcome, "inconclusive"}:
            return refuse("outcome_differs", "The second reading differs from the first.")
        if user_id is None or known.user_id == user_id:
            return refuse("same_person", "Another person must release than the one who read.")
        taken = self._taken_of(sample)
        if known.id is not None:
            told = {
                "outcome": (known.outcome, outcome),
                "released_at": (None, bulk.instant(at)),
                "released_by_id": (None, user_id),
            }
            owner = f"samples/{sample.id}"
            self._trail.tell("antigen.release", "antigen_reads", known.id, owner, told)
        known.is_released, known.outcome, known.released = True, outcome, (at, user_id)
        self.released_tubes.add(taken.tube_id)
        self._count(taken, site_id, at, Measure.RAPID_RELEASED)
        if outcome == "positive":
            self._count(taken, site_id, at, Measure.RAPID_POSITIVE)
        return APPLIED

    def _count(self, taken: _Taken, site_id: int, at: int, measure: Measure) -> None:
        self._counts[taken.campaign_id, site_id, at - at % _HOUR, measure] += 1

    def flush(self, collected: Iterable[SampleRow]) -> None:
        """Writes readings and releases; links the RT-PCR samples among the new ones."""
        text = bulk.InstantText(self._session)
        made = [read for read in self._reads.values() if read.row]
        ids = bulk.next_ids(self._session, "antigen_reads", len(made))
        rows = []
        for key, read in zip(ids, made, strict=True):
            if read.row is None:
                continue
            sample_id, site_id, kit_name, kit_lot, due_at, read_at = read.row
            at, releaser = read.released or (None, None)
            rows.append((
                key, sample_id, site_id, kit_name, kit_lot, text(due_at), read.outcome,
                text(read_at), read.user_id, None if at is None else text(at), releaser,
            ))  # fmt: skip
        bulk.insert_rows(self._session, "antigen_reads", _COLUMNS, rows)
        stored = [
            {
                "id": read.id,
                "at": text(read.released[0]),
                "user_id": read.released[1],
                "outcome": read.outcome,
            }
            for read in self._reads.values()
            if read.released and read.id is not None
        ]
        bulk.update_rows(self._session, _RELEASE, stored)
        links = [
            {"id": sample.id, "earlier": sample.retest_of_id, "tube_id": sample.tube.id}
            for sample in collected
            if sample.retest_of_id is not None and sample.tube
        ]
        bulk.update_rows(self._session, _LINK_PCR, links)
        deltas = {
            (campaign_id, site_id, bulk.instant(hour), str(measure)): count
            for (campaign_id, site_id, hour, measure), count in self._counts.items()
        }
        counters.add(self._session, deltas)


def _judge_lot(lot: KitLot | None, taken: _Taken, read_at: int) -> Said:
    """Whether a test of this lot counts, read at this time."""
    if lot is None:
        return remark("unknown_kit_lot", "The lot of the kit is not registered.")
    moment = bulk.instant(read_at)
    if clock.local(moment).date() > lot.expires_on:
        return refuse("kit_expired", f"The lot expired on {lot.expires_on:%d/%m/%Y}.")
    if lot.withdrawn_at is not None and moment >= lot.withdrawn_at:
        return refuse("kit_withdrawn", "The lot was withdrawn. Test again with another lot.")
    waited = dt.timedelta(microseconds=read_at - taken.collected_at)
    clocks = dt.timedelta(microseconds=_CLOCKS)
    if waited + clocks < dt.timedelta(minutes=lot.reading_minutes):
        return remark("read_too_early", "Read earlier than the kit allows.")
    if waited - clocks > dt.timedelta(minutes=lot.latest_minutes):
        return remark("read_too_late", "Read later than the kit allows.")
    return APPLIED
