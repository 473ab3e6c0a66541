"""How many are positive, by area, from pools alone; and which pool size that speaks for."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.campaigns.rules import DEFAULT_RESULT_HOURS, DEFAULT_RETEST_HOURS, Method
from portal.campaigns.services import find_policy, set_pool_policy
from portal.errors import Invalid
from portal.pools import prices
from portal.pools.models import Pool, PoolMember
from portal.pools.rules import PersonState
from portal.samples.models import Sample, Tube
from portal.samples.rules import Outcome

# The sizes in use in Việt Nam (pooling.md 1); larger ones only where the policy allows them.
SIZES = (1, 2, 3, 5, 7, 10, 15, 20)
DEFAULT_MOST = 10

# Shares of positive samples that a test finds, to choose from; per cent.
SENSITIVITIES = (100, 98, 95, 90)
USUAL_SENSITIVITY = 95


@dataclass(frozen=True, slots=True)
class AreaShare:
    """What the pools of an area say.

    Attributes:
        name: the area; empty for all areas together.
        tubes, people: tested with a valid result.
        positive_tubes: positive among them.
        estimate, lower, upper: share of positive people; None where nothing can be said.
        at_least: the one-sided limit when every pool is positive.
        confirmed: people confirmed by single tests.
    """

    name: str
    tubes: int
    people: int
    positive_tubes: int
    estimate: float | None
    lower: float | None
    upper: float | None
    at_least: float | None
    confirmed: int


@dataclass(frozen=True, slots=True)
class Advice:
    """Shares by area, and pool sizes compared at the share of all areas.

    Attributes:
        total: all areas together.
        areas: by area, highest share first.
        sizes: rows of `core_rs.pool_advice`; tests and price as of a test that misses nothing,
            because a case missed is no test saved, and the cases missed at `sensitivity`.
        tariff: the document of the prices; empty without any.
        best: the size with the fewest tests within the policy.
        current: the size in force.
        household: (cases per positive pool seen, expected) where positives share pools.
    """

    total: AreaShare
    areas: list[AreaShare]
    sizes: list[dict[str, Any]]
    tariff: str
    best: int
    current: int
    household: tuple[float, float] | None


def apply_size(session: Session, actor: Actor, *, campaign_id: int, size: int) -> PoolPolicy:
    """Makes `size` the usual pool size of a campaign from tomorrow on, as a new dated rule.

    From tomorrow, because the tubes of today are being filled by the rule of today. What else the
    rule in force says stays.

    Raises:
        Invalid: a size beyond the largest allowed, or the one in force.
        NotFound: no such campaign.
    """
    day = clock.today() + dt.timedelta(days=1)
    rule = find_policy(session, campaign_id, Method.PCR, day)
    largest = rule.max_size if rule else DEFAULT_MOST
    if not 1 <= size <= largest:
        raise Invalid(_("The rule in force allows sizes from 1 to %(most)s.", most=largest))
    if rule is not None and rule.default_size == size:
        raise Invalid(_("Size %(size)s is in force already.", size=size))
    usual = PoolPolicy(
        max_size=DEFAULT_MOST,
        retest_deadline_hours=DEFAULT_RETEST_HOURS,
        result_deadline_hours=DEFAULT_RESULT_HOURS,
        document="",
        allows_symptomatic=False,
    )
    kept = rule or usual
    made = set_pool_policy(
        session,
        actor,
        campaign_id=campaign_id,
        method=Method.PCR,
        valid_from=day,
        default_size=size,
        max_size=kept.max_size,
        retest_deadline_hours=kept.retest_deadline_hours,
        result_deadline_hours=kept.result_deadline_hours,
        document=kept.document,
    )
    made.allows_symptomatic = kept.allows_symptomatic
    return made


def campaigns(session: Session) -> list[Campaign]:
    """Campaigns, newest first."""
    return list(session.scalars(sa.select(Campaign).order_by(Campaign.id.desc()).limit(50)))


def advise(session: Session, campaign_id: int, *, sensitivity: int = USUAL_SENSITIVITY) -> Advice:
    """The share of positive people in a campaign, and the pool size it speaks for.

    Tubes of retests are left out: their people were chosen because a pool was positive.
    """
    counts = _tube_counts(session, campaign_id)
    confirmed = _confirmed(session, campaign_id)
    names = {
        unit.id: unit.name
        for unit in session.scalars(
            sa.select(AdminUnit).where(AdminUnit.id.in_(counts.keys() | confirmed.keys()))
        )
    }
    areas = [
        _share(names.get(area_id, ""), sizes, confirmed.get(area_id, 0))
        for area_id, sizes in counts.items()
    ]
    together: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for sizes in counts.values():
        for size, (tested, positive) in sizes.items():
            together[size][0] += tested
            together[size][1] += positive
    total = _share("", together, sum(confirmed.values()))
    current, most = _policy_sizes(session, campaign_id)
    tariff = prices.in_force(clock.today())
    rows = _compare(total, most, sensitivity / 100, tariff)
    best = min(rows, key=lambda row: row["tests_per_person"])["size"] if rows else current
    return Advice(
        total,
        sorted(areas, key=lambda area: -(area.estimate or area.at_least or 0)),
        rows,
        tariff[1].document if 1 in tariff else "",
        best,
        current,
        _household(together, total),
    )


def _tube_counts(session: Session, campaign_id: int) -> dict[int, dict[int, list[int]]]:
    """Area → size → [tested, positive]."""
    retests = sa.select(Sample.tube_id).where(Sample.retest_of_id.is_not(None))
    # Of an array the rows alone: its columns hold the same people once more.
    column = sa.orm.aliased(Tube)
    columns = (
        sa.select(column.id)
        .join(Pool, Pool.code == column.code)
        .where(Pool.design_id.is_not(None), Pool.place.not_like("R%"))
    )
    rows = session.execute(
        sa.select(
            CollectionSession.area_id, Tube.sample_count, Tube.outcome, sa.func.count(Tube.id)
        )
        .join(CollectionSession, CollectionSession.id == Tube.collection_session_id)
        .where(
            Tube.campaign_id == campaign_id,
            Tube.outcome.in_([Outcome.NEGATIVE, Outcome.POSITIVE]),
            Tube.sample_count > 0,
            Tube.id.not_in(retests),
            # A tube mixed into a laboratory pool was tested as a part of that.
            Tube.id.not_in(sa.select(PoolMember.tube_id)),
            Tube.id.not_in(columns),
            Tube.outcome != sa.literal_column("''"),  # as the index says it
        )
        .group_by(CollectionSession.area_id, Tube.sample_count, Tube.outcome)
    )
    found: dict[int, dict[int, list[int]]] = {}
    for area_id, size, outcome, count in rows:
        cell = found.setdefault(area_id, {}).setdefault(size, [0, 0])
        cell[0] += count
        cell[1] += count if outcome == Outcome.POSITIVE else 0
    return found


def _confirmed(session: Session, campaign_id: int) -> dict[int, int]:
    rows = session.execute(
        sa.select(CollectionSession.area_id, sa.func.count(Sample.id))
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(CollectionSession, CollectionSession.id == Sample.collection_session_id)
        .where(
            Sample.campaign_id == campaign_id,
            Sample.state == PersonState.POS_CONFIRMED,
            Sample.retest_of_id.is_(None),
        )
        .group_by(CollectionSession.area_id)
    )
    return {area_id: count for area_id, count in rows}  # noqa: C416 - a result is no sequence


def _share(name: str, sizes: dict[int, list[int]], confirmed: int) -> AreaShare:
    tested = sum(cell[0] for cell in sizes.values())
    positive = sum(cell[1] for cell in sizes.values())
    people = sum(size * cell[0] for size, cell in sizes.items())
    said: dict[str, float | None] = {}
    if tested:
        said = core_rs.pool_prevalence(
            [float(cell[1]) for cell in sizes.values()],
            [float(size) for size in sizes],
            [float(cell[0]) for cell in sizes.values()],
            interval="skew-score",
        )
    return AreaShare(
        name,
        tested,
        people,
        positive,
        said.get("estimate"),
        said.get("lower"),
        said.get("upper"),
        said.get("at_least"),
        confirmed,
    )


def _policy_sizes(session: Session, campaign_id: int) -> tuple[int, int]:
    """The pool size in force and the largest allowed."""
    policy = session.scalars(
        sa.select(PoolPolicy)
        .where(
            PoolPolicy.campaign_id == campaign_id,
            PoolPolicy.method == Method.PCR,
            PoolPolicy.valid_from <= _today(),
        )
        .order_by(PoolPolicy.valid_from.desc())
    ).first()
    return (policy.default_size, policy.max_size) if policy else (5, DEFAULT_MOST)


def _today() -> dt.date:
    return clock.today()


def _compare(
    total: AreaShare, most: int, sensitivity: float, tariff: dict[int, prices.Price]
) -> list[dict[str, Any]]:
    """Sizes compared at the upper limit while nothing is positive, else at the estimate."""
    share = total.estimate or total.upper or total.at_least
    if not share or share >= 1:
        return []
    sizes = [size for size in SIZES if size <= most]
    by_size = {size: float(price.vnd) for size, price in tariff.items()}
    rows = core_rs.pool_advice(share, sizes, prices=by_size)
    missing = core_rs.pool_advice(share, sizes, qualities=dict.fromkeys(sizes, (sensitivity, 1.0)))
    missed = [row["missed_per_100_000"] for row in missing]
    return [row | {"missed_per_100_000": count} for row, count in zip(rows, missed, strict=True)]


def _household(sizes: dict[int, list[int]], total: AreaShare) -> tuple[float, float] | None:
    if not total.positive_tubes or not total.confirmed:
        return None
    return core_rs.pool_household_warning(
        [float(cell[1]) for cell in sizes.values()],
        [float(size) for size in sizes],
        [float(cell[0]) for cell in sizes.values()],
        float(total.confirmed),
        float(total.positive_tubes),
    )
