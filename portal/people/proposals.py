"""Pairs of records that may be one person, on their way into the worklist."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from portal import bulk

_PLACES = """
SELECT p.id, p.site_id, coalesce(p.merged_into_id, p.id) FROM {keys} {join} people p ON p.id = k.id
"""
_STORED = """
SELECT c.left_id, c.right_id FROM {keys} {join} duplicate_candidates c ON c.left_id = k.left_id
WHERE c.right_id = k.right_id
"""
_COLUMNS = (
    "id", "left_id", "right_id", "left_site_id", "right_site_id", "kind", "score", "bits",
    "evidence", "status", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pair with its evidence.

    Attributes:
        person_id: whose record was looked at.
        other_id: who it may be.
        kind: `proposal` or `conflict`.
        bits: log2 odds that they are one.
        probability: the same as a calibrated probability.
        evidence: as `DuplicateCandidate.evidence`.
    """

    person_id: int
    other_id: int
    kind: str
    bits: float
    probability: float
    evidence: dict[str, Any]

    @property
    def pair(self) -> tuple[int, int]:
        """Both keys, the smaller first."""
        return min(self.person_id, self.other_id), max(self.person_id, self.other_id)


@dataclass(frozen=True, slots=True)
class Stored:
    """A proposal that is in the table now, with its key and the people behind both records."""

    id: int
    proposal: Proposal
    roots: tuple[int, int]


def write(session: Session, proposals: Sequence[Proposal], *, at: int) -> list[Stored]:
    """Stores the pairs that are new: of every person behind several records only the best.

    A pair that was decided before, or whose records are one person already, is left as it is.

    Args:
        session: of the caller's transaction, which locks out other writers of proposals.
        proposals: the pairs found; both people are stored.
        at: microseconds since 1970.
    """
    if not proposals:
        return []
    keys = sorted({key for proposal in proposals for key in proposal.pair})
    found = bulk.look_up(session, _PLACES, {"id": "bigint"}, [[key] for key in keys])
    places = {key: (site_id, root) for key, site_id, root in found}
    chosen = _best(proposals, {key: root for key, (_, root) in places.items()})
    types = {"left_id": "bigint", "right_id": "bigint"}
    stored = set(bulk.look_up(session, _STORED, types, sorted({p.pair for p in chosen})))
    fresh = [proposal for proposal in chosen if proposal.pair not in stored]
    ids = bulk.next_ids(session, "duplicate_candidates", len(fresh))
    created_at = bulk.InstantText(session)(at)
    rows = []
    for key, proposal in zip(ids, fresh, strict=True):
        left, right = proposal.pair
        rows.append((
            key, left, right, places[left][0], places[right][0], proposal.kind,
            proposal.probability, proposal.bits, json.dumps(proposal.evidence), "open", created_at,
        ))  # fmt: skip
    bulk.insert_rows(session, "duplicate_candidates", _COLUMNS, rows)
    return [
        Stored(key, p, (places[p.pair[0]][1], places[p.pair[1]][1]))
        for key, p in zip(ids, fresh, strict=True)
    ]


def _best(proposals: Iterable[Proposal], roots: dict[int, int]) -> list[Proposal]:
    best: dict[tuple[int, int], Proposal] = {}
    for proposal in proposals:
        one, other = (roots.get(key) for key in proposal.pair)
        if one is None or other is None or one == other:
            continue
        key = (min(one, other), max(one, other))
        known = best.get(key)
        if known is None or (proposal.bits, known.pair) > (known.bits, proposal.pair):
            best[key] = proposal
    return list(best.values())
