"""What matching reads: members, tubes and results around some tubes, in few statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.campaigns.models import PoolPolicy
from portal.people.models import Person
from portal.pools.decoding import deciding_pools
from portal.pools.models import Finding, Pool, PoolMember, RetestVisit
from portal.samples.bulk import among, epoch
from portal.samples.models import Sample, Tube

S = Sample.__table__
T = Tube.__table__
P = Person.__table__
F = Finding.__table__
V = RetestVisit.__table__

# Who shares a tube with whom is a small island around a tube; this many steps reach its shore in
# any world a round of testing makes, and the bound keeps a bad one from pulling in everybody.
MOST_STEPS = 6


@dataclass(slots=True)
class Neighbourhood:
    """Samples by key and tubes by key: everything that the states of some tubes depend on.

    `mixes` gives the laboratory pools (the keys of their tubes) that a tube was mixed into,
    `parents` the one of them that decides for it (`portal.pools.decoding`).
    """

    samples: dict[int, Any] = field(default_factory=dict)
    tubes: dict[int, Any] = field(default_factory=dict)
    mixes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)


def _select_samples(session: Session) -> sa.Select[Any]:
    return sa.select(
        S.c.id,
        S.c.tube_id,
        sa.func.coalesce(P.c.merged_into_id, S.c.person_id).label("person_id"),
        S.c.campaign_id,
        S.c.site_id,
        epoch(session, S.c.added_at).label("added"),
        epoch(session, S.c.collected_at).label("collected"),
        S.c.withdrawn_at.is_not(None).label("is_withdrawn"),
        S.c.is_symptomatic,
        S.c.subject_group,
        S.c.retest_of_id,
        S.c.state,
        S.c.state_reason,
        S.c.is_urgent,
    ).select_from(S.join(P, P.c.id == S.c.person_id))


def _select_tubes(session: Session) -> sa.Select[Any]:
    return sa.select(
        T.c.id,
        T.c.code,
        T.c.campaign_id,
        T.c.site_id,
        T.c.laboratory_id,
        T.c.method,
        T.c.specimen_type,
        T.c.pool_kind,
        T.c.planned_size,
        T.c.counted_swabs,
        T.c.status,
        T.c.outcome,
        T.c.resulted_at.is_not(None).label("is_resulted"),
        epoch(session, T.c.opened_at).label("opened"),
        epoch(session, T.c.sealed_at).label("sealed"),
        epoch(session, T.c.sent_at).label("sent"),
        epoch(session, T.c.received_at).label("received"),
    )


def neighbourhood(session: Session, tube_ids: Iterable[int]) -> Neighbourhood:
    """The tubes, their members, those people's other tubes in the campaign, and so on."""
    around = Neighbourhood()
    wanted = set(tube_ids)
    seen_people: set[tuple[int, int]] = set()
    pairs: set[tuple[int, int]] = set()
    for _step in range(MOST_STEPS):
        if not wanted:
            break
        ids = sorted(wanted)
        tubes = session.execute(_select_tubes(session).where(among(session, T.c.id, ids)))
        around.tubes |= {row.id: row for row in tubes.all()}
        members = session.execute(_select_samples(session).where(among(session, S.c.tube_id, ids)))
        around.samples |= {row.id: row for row in members.all()}
        people = {(row.person_id, row.campaign_id) for row in around.samples.values()}
        fresh = sorted({person for person, _campaign in people - seen_people})
        seen_people |= people
        mixed = _mixed_tubes(session, ids)
        pairs |= mixed
        others = _other_tubes(session, fresh, people)
        wanted = (others | {key for pair in mixed for key in pair}) - around.tubes.keys()
    # A pool beyond the last step is out of sight for its tubes as well.
    for tube, pool in sorted(pairs):
        if {tube, pool} <= around.tubes.keys():
            around.mixes[tube] = (*around.mixes.get(tube, ()), pool)
    around.parents = deciding_pools(around.mixes, {})
    return around


def _mixed_tubes(session: Session, ids: Sequence[int]) -> set[tuple[int, int]]:
    """(tube, tube of a laboratory pool it was mixed into), pairs that one of `ids` is in."""
    mixes = T.alias("mixes")
    members, pools = PoolMember.__table__, Pool.__table__
    pairs = (
        sa.select(members.c.tube_id, mixes.c.id)
        .select_from(members.join(pools, pools.c.id == members.c.pool_id))
        .join(mixes, mixes.c.code == pools.c.code)
    )
    rows = session.execute(
        pairs.where(among(session, members.c.tube_id, ids)).union(
            pairs.where(among(session, mixes.c.id, ids))
        )
    )
    return {(tube, pool) for tube, pool in rows}


def _other_tubes(
    session: Session, person_ids: Sequence[int], people: set[tuple[int, int]]
) -> set[int]:
    """Tubes of the same campaigns in which these people, or those merged into them, are."""
    if not person_ids:
        return set()
    columns = (S.c.tube_id, S.c.campaign_id)
    direct = sa.select(*columns, S.c.person_id).where(among(session, S.c.person_id, person_ids))
    merged = (
        sa.select(*columns, P.c.merged_into_id)
        .join(P, P.c.id == S.c.person_id)
        .where(among(session, P.c.merged_into_id, person_ids))
    )
    rows = session.execute(direct.union_all(merged)).all()
    return {tube for tube, campaign, person in rows if (person, campaign) in people}


def findings_of(session: Session, tube_ids: Sequence[int]) -> list[Any]:
    """Every finding noted on these tubes, open or not."""
    return list(
        session.execute(
            sa.select(
                F.c.id, F.c.code, F.c.tube_id, F.c.sample_id, F.c.status, F.c.is_blocking
            ).where(among(session, F.c.tube_id, tube_ids))
        )
    )


def last_visits(session: Session, sample_ids: Sequence[int]) -> dict[int, str]:
    """What the last visit to each person met, by sample."""
    if not sample_ids:
        return {}
    rows = session.execute(
        sa.select(V.c.sample_id, V.c.outcome)
        .where(among(session, V.c.sample_id, sample_ids))
        .order_by(V.c.id)
    )
    return dict(rows.all())


def policies(session: Session, campaign_ids: Iterable[int]) -> dict[tuple[int, str], list[Any]]:
    """Pool policies by campaign and method, oldest first."""
    rows = session.scalars(
        sa.select(PoolPolicy)
        .where(PoolPolicy.campaign_id.in_(set(campaign_ids)))
        .order_by(PoolPolicy.valid_from)
    )
    found: dict[tuple[int, str], list[Any]] = {}
    for policy in rows:
        found.setdefault((policy.campaign_id, policy.method), []).append(policy)
    return found
