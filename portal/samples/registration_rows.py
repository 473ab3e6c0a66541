"""Tubes and samples of a registration: read by keys, written in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from portal import bulk
from portal.audit.trail import Author, Trail

if TYPE_CHECKING:
    from portal.samples.registration import Collected

_TUBES = """
SELECT t.id, t.code, t.campaign_id, t.collection_session_id, t.site_id, t.planned_size,
    t.sample_count, t.status
FROM {keys} {join} tubes t ON t.code = k.code {lock}
"""
_MEMBERS = """
SELECT s.tube_id, coalesce(p.merged_into_id, p.id)
FROM {keys} {join} samples s ON s.tube_id = k.id JOIN people p ON p.id = s.person_id
WHERE s.withdrawn_at IS NULL
"""
_SAMPLES = """
SELECT s.id, {uid} AS uid, s.result_code, t.code, s.person_id, s.state,
    s.withdrawn_at IS NOT NULL AS is_withdrawn, s.collector_id
FROM {{keys}} {{join}} samples s ON s.{column} = k.{column} JOIN tubes t ON t.id = s.tube_id
"""


@dataclass(slots=True, eq=False)
class TubeRow:
    """A tube in hand. Instants in microseconds since 1970."""

    id: int
    code: str
    campaign_id: int
    collection_session_id: int
    site_id: int
    planned_size: int
    sample_count: int = 0
    status: str = "open"
    is_new: bool = False
    is_changed: bool = False
    method: str = ""
    specimen_type: str = ""
    opened_at: int = 0
    sealed_at: int | None = None
    discarded_at: int | None = None
    discard_reason: str = ""
    discarded_by: Author | None = None
    device_id: int | None = None
    stored_count: int = 0
    people: set[int] = field(default_factory=set)  # roots: whoever was merged counts once


@dataclass(slots=True, eq=False)
class SampleRow:
    """A sample in hand; `given` and `tube` only where it is new."""

    id: int
    uid: str
    result_code: str
    tube_code: str
    person_id: int
    state: str
    withdrawn_at: int | None = None
    collector_id: int | None = None
    is_new: bool = False
    is_changed: bool = False
    state_reason: str = ""
    withdrawal_reason: str = ""
    retest_of_id: int | None = None
    given: Collected | None = None
    tube: TubeRow | None = None
    author: Author | None = None


def load_tubes(session: Session, codes: Iterable[str]) -> list[TubeRow]:
    """The tubes of these codes, with the people in them."""
    found = bulk.look_up(session, _TUBES, {"code": "text"}, [[c] for c in sorted(codes)])
    tubes = {}
    for key, code, campaign, sitting, site, planned, count, status in found:
        tube = TubeRow(key, code, campaign, sitting, site, planned, count, status)
        tube.stored_count = count
        tubes[key] = tube
    for tube_id, person_id in bulk.look_up(
        session, _MEMBERS, {"id": "bigint"}, [[tube_id] for tube_id in tubes]
    ):
        tubes[tube_id].people.add(person_id)
    return list(tubes.values())


def load_samples(
    session: Session, uids: Iterable[str], result_codes: Iterable[str]
) -> list[SampleRow]:
    """The samples of these ids or slip codes."""
    is_sqlite = bulk.is_sqlite(session)
    uid = "s.uid" if is_sqlite else "replace(CAST(s.uid AS text), '-', '')"
    found: dict[str, SampleRow] = {}
    for column, kind, keys in (("uid", "uuid", uids), ("result_code", "text", result_codes)):
        statement = _SAMPLES.format(uid=uid, column=column)
        for row in bulk.look_up(session, statement, {column: kind}, [[k] for k in sorted(keys)]):
            key, hexadecimal, code, tube_code, person_id, state, is_withdrawn, collector = row
            found[hexadecimal] = SampleRow(
                key, hexadecimal, code, tube_code, person_id, state,
                withdrawn_at=0 if is_withdrawn else None, collector_id=collector,
            )  # fmt: skip
    return list(found.values())


_TUBE_COLUMNS = (
    "id", "code", "campaign_id", "collection_session_id", "site_id", "method", "specimen_type",
    "pool_kind", "planned_size", "sample_count", "status", "opened_at", "sealed_at",
    "rejected_at", "accession_number", "rejection_reason", "outcome", "device_id", "version",
)  # fmt: skip
_CHANGE_TUBE = """
UPDATE tubes SET sample_count = sample_count + :more, version = version + 1,
    status = CASE WHEN status IN ('open', 'sealed') THEN :status ELSE status END,
    sealed_at = coalesce(sealed_at, :sealed_at), rejected_at = coalesce(rejected_at, :discarded_at),
    rejection_reason = CASE WHEN rejection_reason = '' THEN :reason ELSE rejection_reason END
WHERE id = :id
"""
# People of a discarded tube are due again; what was released before stands.
_DUE_AGAIN = """
UPDATE samples SET state = 'RETEST_DUE', state_reason = 'discarded', version = version + 1
WHERE tube_id = :id AND withdrawn_at IS NULL AND released_at IS NULL
"""
_BEFORE_DUE = """
SELECT s.tube_id, s.id, s.person_id, s.state, s.state_reason
FROM {keys} {join} samples s ON s.tube_id = k.id
WHERE s.withdrawn_at IS NULL AND s.released_at IS NULL AND s.state <> 'RETEST_DUE'
"""
_LONGEST_REASON = 24


def _when(text: bulk.InstantText, value: int | None) -> str | None:
    return None if value is None else text(value)


def write_new_tubes(
    writer: bulk.Writer, tubes: Iterable[TubeRow], *, text: bulk.InstantText
) -> None:
    """Begins to insert the new tubes."""
    writer.insert(
        "tubes",
        _TUBE_COLUMNS,
        [
            (
                t.id, t.code, t.campaign_id, t.collection_session_id, t.site_id, t.method,
                t.specimen_type, "swab", t.planned_size, t.sample_count, t.status,
                text(t.opened_at), _when(text, t.sealed_at), _when(text, t.discarded_at), "",
                t.discard_reason[:_LONGEST_REASON], "", t.device_id, 1,
            )
            for t in tubes
            if t.is_new
        ],
    )  # fmt: skip


def change_tubes(
    session: Session, tubes: Iterable[TubeRow], trail: Trail, *, text: bulk.InstantText
) -> None:
    """Changes the tubes that were stored before."""
    changed = [t for t in tubes if t.is_changed and not t.is_new]
    bulk.update_rows(
        session,
        _CHANGE_TUBE,
        [
            {
                "id": t.id,
                "more": t.sample_count - t.stored_count,
                "status": t.status,
                "sealed_at": _when(text, t.sealed_at),
                "discarded_at": _when(text, t.discarded_at),
                "reason": t.discard_reason[:_LONGEST_REASON],
            }
            for t in changed
        ],
    )
    discarded = {t.id: t.discarded_by for t in changed if t.discarded_at is not None}
    for tube_id, key, person_id, state, reason in bulk.look_up(
        session, _BEFORE_DUE, {"id": "bigint"}, [[key] for key in discarded]
    ):
        told = {"state": (state, "RETEST_DUE"), "state_reason": (reason, "discarded")}
        owner = f"people/{person_id}"
        author = discarded[tube_id]
        trail.tell("tubes.discard", "samples", key, owner, told, author=author)
    bulk.update_rows(session, _DUE_AGAIN, [{"id": key} for key in discarded])


_SAMPLE_COLUMNS = (
    "id", "uid", "result_code", "tube_id", "person_id", "campaign_id", "collection_session_id",
    "site_id", "position", "collected_at", "collector_id", "source", "is_symptomatic",
    "subject_group", "retest_of_id", "state", "state_reason", "withdrawn_at",
    "withdrawal_reason", "added_at", "declaration_id", "version",
)  # fmt: skip
_WITHDRAW = """
UPDATE samples SET withdrawn_at = :at, withdrawal_reason = :reason, version = version + 1
WHERE id = :id
"""


def _in_order(given: Collected, tube: TubeRow) -> int:
    """When a sample joined its tube: what the device says, but never after the sealing.

    The order of the device's own events decided that it came in time, not its clock.
    """
    if tube.sealed_at is None:
        return given.collected_at
    return min(given.collected_at, tube.sealed_at)


def write_new_samples(
    writer: bulk.Writer, samples: Iterable[SampleRow], *, at: int, text: bulk.InstantText
) -> None:
    """Begins to insert the new samples; their tubes and people come before them."""
    added_at = text(at)
    rows = []
    for s in samples:
        if s.is_new and s.given and s.tube:
            given, tube = s.given, s.tube
            rows.append((
                s.id, s.uid, s.result_code, tube.id, s.person_id, tube.campaign_id,
                tube.collection_session_id, tube.site_id, given.position,
                text(given.collected_at), given.collector_id, given.source, given.is_symptomatic,
                given.subject_group or "screening", s.retest_of_id, s.state, s.state_reason,
                _when(text, s.withdrawn_at), s.withdrawal_reason,
                added_at if s.state_reason == "late" else text(_in_order(given, tube)),
                given.declaration_id, 1,
            ))  # fmt: skip
    writer.insert("samples", _SAMPLE_COLUMNS, rows)


def withdraw_samples(
    session: Session, samples: Iterable[SampleRow], *, text: bulk.InstantText
) -> None:
    """Withdraws samples that were stored before."""
    withdrawn = [
        {"id": s.id, "at": text(s.withdrawn_at), "reason": s.withdrawal_reason}
        for s in samples
        if s.is_changed and not s.is_new and s.withdrawn_at is not None
    ]
    bulk.update_rows(session, _WITHDRAW, withdrawn)
