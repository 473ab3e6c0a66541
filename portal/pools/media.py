"""Laboratory pools (basis `media`): several received tubes mixed into one, tested together.

The mix is a tube of its own, of kind `mix` and without samples; `pools` and `pool_members` say what
is in it. Its result is recorded, verified and released like that of any tube. A negative mix clears
the tubes in it; after a positive one they are tested one by one, and nobody is sampled again for
it, because the tubes are kept.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.db import across_sites
from portal.errors import Invalid
from portal.pools import queries
from portal.pools.matching import SINGLE_GROUPS, policy_on
from portal.pools.models import Pool, PoolMember
from portal.samples.bulk import among
from portal.samples.models import Sample, Tube
from portal.samples.rules import TubeStatus, clean_code, repeated

MIX = "mix"
FEWEST_TUBES = 2
MOST_TUBES = 96
LONGEST_LABEL = 24
DEFAULT_MOST_PEOPLE = 10

T = Tube.__table__


@across_sites("a laboratory mixes tubes of every site")
def mix(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    tube_codes: Sequence[str],
    pool_code: str = "",
    at: dt.datetime | None = None,
) -> Pool:
    """Mixes tubes into a pool, which from then on waits for its test.

    Args:
        session: of the caller's transaction.
        actor: the technician.
        laboratory_id: where the tubes are.
        tube_codes: in the order of their places in the rack.
        pool_code: the label stuck on the mix; made up if empty.
        at: when (now, if None).

    Raises:
        Invalid: every reason why these tubes cannot be mixed, at once.
        NotFound: a laboratory outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    at = at or clock.now()
    codes = [clean_code(code) for code in tube_codes if code.strip()]
    known = locked_tubes(session, codes)
    label = clean_code(pool_code) or _next_code(session, laboratory_id, at)
    tubes = [known[code] for code in dict.fromkeys(codes) if code in known]
    problems = tube_problems(session, codes, known, laboratory_id)
    problems += mix_problems(session, tubes, at)
    problems += label_problems(session, [label])
    if problems:
        raise Invalid(_("The pool was not made."), details=problems)
    pool = make_pool(session, actor, laboratory_id=laboratory_id, label=label, tubes=tubes, at=at)
    for place, tube in enumerate(tubes):
        put_into(session, pool, tube, at, position=place)
        to_test(tube)
    session.flush()
    return pool


def locked_tubes(session: Session, codes: Sequence[str]) -> dict[str, Tube]:
    """The tubes of these codes by code, kept from others until the transaction ends."""
    found = session.scalars(
        sa.select(Tube).where(among(session, T.c.code, codes)).order_by(Tube.id).with_for_update()
    )
    return {tube.code: tube for tube in found}


def make_pool(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    label: str,
    tubes: Sequence[Tube],
    at: dt.datetime,
    design_id: int | None = None,
    place: str = "",
) -> Pool:
    """The pool and the tube of its mix, still without its members."""
    first = tubes[0]
    people = sum(tube.sample_count for tube in tubes)
    session.add(
        Tube(
            code=label,
            campaign_id=first.campaign_id,
            collection_session_id=first.collection_session_id,
            site_id=first.site_id,
            method=first.method,
            specimen_type=first.specimen_type,
            pool_kind=MIX,
            planned_size=people,
            sample_count=people,
            status=TubeStatus.RECEIVED,
            opened_at=at,
            sealed_at=at,
            received_at=at,
            laboratory_id=laboratory_id,
        )
    )
    pool = Pool(
        code=label,
        laboratory_id=laboratory_id,
        created_at=at,
        created_by_id=actor.user_id,
        sealed_at=at,
        status="sealed",
        design_id=design_id,
        place=place,
    )
    session.add(pool)
    session.flush()
    return pool


def put_into(session: Session, pool: Pool, tube: Tube, at: dt.datetime, *, position: int) -> None:
    """Notes that a part of the tube is in the pool."""
    session.add(PoolMember(pool_id=pool.id, tube_id=tube.id, added_at=at, position=position))


def to_test(tube: Tube) -> None:
    """The tube is tested by its pools from now on."""
    tube.status = TubeStatus.IN_TEST
    tube.version += 1


def label_problems(session: Session, labels: Sequence[str]) -> list[str]:
    """Why these labels cannot be stuck on new pools."""
    taken = session.scalars(sa.select(Tube.code).where(among(session, T.c.code, labels)))
    problems = [_("Label %(code)s is on another tube.", code=code) for code in sorted(taken)]
    return problems + [
        _("Label %(code)s is too long.", code=code) for code in labels if len(code) > LONGEST_LABEL
    ]


def _next_code(session: Session, laboratory_id: int, at: dt.datetime) -> str:
    prefix = f"G{laboratory_id}-{clock.local(at):%y%m%d}-"
    made = session.scalar(
        sa.select(sa.func.count(Pool.id)).where(Pool.code.startswith(prefix, autoescape=True))
    )
    return f"{prefix}{(made or 0) + 1:03d}"


def tube_problems(
    session: Session, codes: Sequence[str], known: Mapping[str, Tube], laboratory_id: int
) -> list[str]:
    """What is wrong with single tubes."""
    problems = [_("Tube %(code)s stands twice in the list.", code=code) for code in repeated(codes)]
    in_pools = session.execute(
        sa.select(T.c.code, Pool.code)
        .join(PoolMember, PoolMember.tube_id == T.c.id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(among(session, T.c.code, codes))
    ).all()
    taken = {tube: pool for tube, pool in in_pools}  # noqa: C416 - a result is no sequence
    for code in dict.fromkeys(codes):
        tube = known.get(code)
        if tube is None or tube.laboratory_id != laboratory_id or tube.received_at is None:
            problems.append(_("Tube %(code)s was not received at this laboratory.", code=code))
        elif code in taken:
            problems.append(
                _("Tube %(code)s is already in pool %(pool)s.", code=code, pool=taken[code])
            )
        elif tube.pool_kind == MIX:
            problems.append(_("%(code)s is a pool itself.", code=code))
        elif tube.status != TubeStatus.RECEIVED:
            problems.append(_("Tube %(code)s does not wait for a test.", code=code))
    return problems


def mix_problems(session: Session, tubes: Sequence[Tube], at: dt.datetime) -> list[str]:
    """What is wrong with mixing these tubes with each other."""
    if len(tubes) < FEWEST_TUBES:
        return [_("A pool is mixed from at least two tubes.")]
    problems = []
    if len(tubes) > MOST_TUBES:
        problems.append(_("A pool is mixed from at most %(count)s tubes.", count=MOST_TUBES))
    if len({tube.campaign_id for tube in tubes}) > 1:
        problems.append(_("The tubes are of different campaigns."))
    if len({(tube.method, tube.specimen_type) for tube in tubes}) > 1:
        problems.append(_("The tubes are of different specimens or methods."))
    campaign_id, method = tubes[0].campaign_id, tubes[0].method
    dated = queries.policies(session, [campaign_id]).get((campaign_id, method), [])
    policy = policy_on(dated, clock.local(at).date())
    most = policy.max_size if policy else DEFAULT_MOST_PEOPLE
    people = sum(tube.sample_count for tube in tubes)
    if people > most:
        problems.append(
            _(
                "The pool would hold samples of %(people)s people; the rule allows %(most)s.",
                people=people,
                most=most,
            )
        )
    allows_symptomatic = bool(policy and policy.allows_symptomatic)
    problems += [
        _("Tube %(code)s holds somebody who is tested singly (F1 or symptoms).", code=code)
        for code in _single_only(session, tubes, allows_symptomatic=allows_symptomatic)
    ]
    return problems


def _single_only(session: Session, tubes: Sequence[Tube], *, allows_symptomatic: bool) -> list[str]:
    """Tubes with a member who must not be pooled (F16)."""
    is_single: sa.ColumnElement[bool] = sa.func.lower(Sample.subject_group).in_(SINGLE_GROUPS)
    if not allows_symptomatic:
        is_single = is_single | Sample.is_symptomatic
    return list(
        session.scalars(
            sa.select(Tube.code)
            .join(Sample, Sample.tube_id == Tube.id)
            .where(
                among(session, T.c.id, [tube.id for tube in tubes]),
                Sample.withdrawn_at.is_(None),
                is_single,
            )
            .distinct()
            .order_by(Tube.code)
        )
    )


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A laboratory pool in the list.

    Attributes:
        pool: the pool.
        tube: the mix, with its status and outcome.
        members: its tubes in the order of mixing.
        to_test: those that are tested one by one now, because the mix is positive.
    """

    pool: Pool
    tube: Any
    members: list[Tube]
    to_test: list[Tube]


def pools_of(session: Session, laboratory_id: int, limit: int = 50) -> list[PoolLine]:
    """Pools of a laboratory, those with something to do first, then the newest.

    Pools of a design are shown with the design (`portal.pools.designs`).
    """
    pools = session.scalars(
        sa.select(Pool)
        .where(Pool.laboratory_id == laboratory_id, Pool.design_id.is_(None))
        .order_by(Pool.id.desc())
        .limit(limit)
    ).all()
    if not pools:
        return []
    mixes = {
        tube.code: tube
        for tube in session.scalars(sa.select(Tube).where(Tube.code.in_([p.code for p in pools])))
    }
    places = session.execute(
        sa.select(PoolMember.pool_id, PoolMember.tube_id)
        .where(PoolMember.pool_id.in_([pool.id for pool in pools]))
        .order_by(PoolMember.id)
    ).all()
    tubes = {
        tube.id: tube
        for tube in session.scalars(sa.select(Tube).where(Tube.id.in_({key for _, key in places})))
    }
    members: dict[int, list[Tube]] = {}
    for pool_id, tube_id in places:
        if tube_id in tubes:
            members.setdefault(pool_id, []).append(tubes[tube_id])
    lines = []
    for pool in pools:
        inside = members.get(pool.id, [])
        waiting = [tube for tube in inside if tube.status == TubeStatus.RECEIVED]
        lines.append(PoolLine(pool, mixes.get(pool.code), inside, waiting))
    return sorted(lines, key=lambda line: (not line.to_test, -line.pool.id))
