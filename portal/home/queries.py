"""The figures of the first page: from counters, and for laboratories from their open tubes."""

import time
from collections import Counter

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.campaigns.counters import Measure
from portal.campaigns.models import Campaign, HourlyCount
from portal.ingest.queries import Standing, applier_standing
from portal.roles import Role
from portal.samples.models import SampleBox, Tube

KEPT_SECONDS = 15.0
_LABORATORY = {Role.LABORATORY_TECHNICIAN, Role.LABORATORY_VERIFIER}
_MOST_KEPT = 2000

Figures = Counter[str]
_kept: dict[object, tuple[float, Figures]] = {}
_standings: dict[str, tuple[float, Standing]] = {}


def figures(session: Session, actor: Actor) -> Figures:
    """What the actor's sites have done and still have to do; at most 15 seconds old.

    Keys are measures, `today:` measures, and for laboratories `boxes_underway`, `tubes_waiting`.
    """
    key = (str(session.get_bind().engine.url), actor.scope, actor.has_role(_LABORATORY))
    kept = _kept.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    found = _counted(session)
    if actor.has_role(_LABORATORY):
        found.update(_of_laboratory(session, actor))
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[key] = (time.monotonic() + KEPT_SECONDS, found)
    return found


def _counted(session: Session) -> Figures:
    """Sums over the campaigns under way; the scope wall leaves only the actor's sites."""
    is_today = HourlyCount.hour >= clock.start_of_day(clock.today())
    rows = session.execute(
        sa.select(
            HourlyCount.measure,
            sa.func.sum(HourlyCount.count),
            sa.func.sum(sa.case((is_today, HourlyCount.count), else_=0)),
        )
        .join(Campaign, Campaign.id == HourlyCount.campaign_id)
        .where(Campaign.status != "closed")
        .group_by(HourlyCount.measure)
    )
    found: Figures = Counter()
    for measure, total, today in rows:
        found[measure], found[f"today:{measure}"] = int(total), int(today)
    return found


def _of_laboratory(session: Session, actor: Actor) -> Figures:
    sites = sorted(actor.scope.site_ids)
    waiting = session.scalar(
        sa.select(sa.func.count(Tube.id)).where(
            Tube.laboratory_id.in_(sites), Tube.status.in_(["received", "in_test"])
        )
    )
    underway = session.scalar(
        sa.select(sa.func.count(SampleBox.id)).where(
            SampleBox.laboratory_id.in_(sites), SampleBox.received_at.is_(None)
        )
    )
    return Counter(tubes_waiting=int(waiting or 0), boxes_underway=int(underway or 0))


def waiting_people(found: Figures) -> int:
    """People whose result is still out."""
    done = found[Measure.PEOPLE_WITHDRAWN] + found[Measure.PEOPLE_RESULTED]
    return max(0, found[Measure.PEOPLE_REGISTERED] - done)


def people_to_retest(found: Figures) -> int:
    """People of positive pools not yet sampled again."""
    return max(0, found[Measure.PEOPLE_SUSPECT] - found[Measure.PEOPLE_RETESTED])


def entering(session: Session) -> Standing:
    """How late scans are entered; at most 15 seconds old."""
    key = str(session.get_bind().engine.url)
    kept = _standings.get(key)
    if kept is None or kept[0] <= time.monotonic():
        kept = (time.monotonic() + KEPT_SECONDS, applier_standing(session))
        _standings[key] = kept
    return kept[1]


def forget() -> None:
    """Empties this process's kept figures (tests)."""
    _kept.clear()
    _standings.clear()
