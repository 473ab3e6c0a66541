"""Rapid antigen results from the point: one person reads, another releases."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal import bulk
from portal.samples.registration import APPLIED, Said, refuse, remark
from portal.samples.registration_rows import SampleRow

_READS = """
SELECT {uid} AS uid, r.id, r.outcome, r.read_by_id, r.released_at IS NOT NULL
FROM {{keys}} {{join}} samples s ON s.uid = k.uid JOIN antigen_reads r ON r.sample_id = s.id
"""
_COLUMNS = (
    "id", "sample_id", "site_id", "kit_name", "kit_lot", "due_at", "outcome", "read_at",
    "read_by_id", "released_at", "released_by_id",
)  # fmt: skip
_RELEASE = "UPDATE antigen_reads SET released_at = :at, released_by_id = :user_id WHERE id = :id"
_STATE = """
UPDATE samples SET state = :state, state_reason = :reason, released_at = :at, version = version + 1
WHERE id = :id
"""
# A positive rapid test calls for a PCR sample of its own, an invalid one for another swab.
_STATES = {
    "negative": ("NEG_SINGLE", "antigen"),
    "positive": ("RETEST_DUE", "antigen_positive"),
    "inconclusive": ("RETEST_DUE", "antigen_inconclusive"),
    "invalid": ("RETEST_DUE", "antigen_invalid"),
}


@dataclass(slots=True)
class _Read:
    outcome: str
    read_by_id: int | None
    is_released: bool = False
    id: int | None = None
    row: tuple[int, int, str, str, int] | None = None
    release: tuple[int, int, int | None] | None = None


class AntigenReads:
    """The rapid tests of one transaction."""

    def __init__(self, session: Session, sample_uids: Iterable[str]) -> None:
        self._session = session
        is_sqlite = bulk.is_sqlite(session)
        uid = "s.uid" if is_sqlite else "replace(CAST(s.uid AS text), '-', '')"
        keys = [[key] for key in sorted(sample_uids)]
        found = bulk.look_up(session, _READS.format(uid=uid), {"uid": "uuid"}, keys)
        self._reads = {
            row[0]: _Read(row[2], row[3], bool(row[4]), id=row[1])
            for row in found
        }  # fmt: skip

    def read(
        self, sample: SampleRow, *, site_id: int, kit_name: str, kit_lot: str, outcome: str,
        read_at: int, user_id: int | None,
    ) -> Said:  # fmt: skip
        """The collector reads a test."""
        known = self._reads.get(sample.uid)
        if known is not None:
            is_same = known.outcome == outcome
            return remark("already_read") if is_same else refuse("read_before_differs")
        self._reads[sample.uid] = _Read(
            outcome, user_id, row=(sample.id, site_id, kit_name, kit_lot, read_at)
        )
        return APPLIED

    def release(self, sample: SampleRow, *, outcome: str, at: int, user_id: int | None) -> Said:
        """A second person confirms what was read; the state of the person follows."""
        known = self._reads.get(sample.uid)
        if known is None:
            return refuse("not_read", "The test was not read.")
        if known.is_released:
            return remark("already_released")
        if known.outcome != outcome:
            return refuse("outcome_differs", "The second reading differs from the first.")
        if user_id is None or known.read_by_id == user_id:
            return refuse("same_person", "Another person must release than the one who read.")
        known.is_released = True
        known.release = (sample.id, at, user_id)
        sample.state, sample.state_reason = _STATES[outcome]
        return APPLIED

    def flush(self, *, at: int) -> None:
        """Writes readings and releases."""
        del at
        text = bulk.InstantText(self._session)
        made = [read for read in self._reads.values() if read.row]
        ids = bulk.next_ids(self._session, "antigen_reads", len(made))
        rows = []
        for key, read in zip(ids, made, strict=True):
            if read.row is None:
                continue
            sample_id, site_id, kit_name, kit_lot, read_at = read.row
            released = (text(read.release[1]), read.release[2]) if read.release else (None, None)
            when = text(read_at)
            rows.append((
                key, sample_id, site_id, kit_name, kit_lot, when, read.outcome, when,
                read.read_by_id, *released,
            ))  # fmt: skip
        bulk.insert_rows(self._session, "antigen_reads", _COLUMNS, rows)
        stored = [read for read in self._reads.values() if read.release and read.id is not None]
        bulk.update_rows(
            self._session,
            _RELEASE,
            [
                {"id": read.id, "at": text(read.release[1]), "user_id": read.release[2]}
                for read in stored
                if read.release
            ],
        )
        bulk.update_rows(
            self._session,
            _STATE,
            [
                {
                    "id": read.release[0],
                    "state": _STATES[read.outcome][0],
                    "reason": _STATES[read.outcome][1],
                    "at": text(read.release[1]),
                }
                for read in self._reads.values()
                if read.release
            ],
        )
