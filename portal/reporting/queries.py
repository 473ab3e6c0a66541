"""The coordinator's figures: sums of counters and two index look-ups, never a table scan."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.campaigns.counters import Measure
from portal.campaigns.models import Campaign, HourlyCount
from portal.ingest.models import ApplierState
from portal.samples.models import Sample
from portal.sites.models import Site

HOURS_SHOWN = 24
# A site that is open and has sent nothing for this long is named.
SILENT_AFTER = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class SiteLine:
    """A site's sums, and when it last registered somebody."""

    site_id: int
    name: str
    counts: Counter[str]
    last_hour: dt.datetime | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows.

    Attributes:
        totals: sums by measure.
        sites: a line a site, most people first.
        hours: (hour, people registered, tubes resulted) of the last hours with anything.
        oldest_waiting: when the longest-waiting standing sample was collected.
        retests_due, retests_overdue: people to sample again, and those past their deadline.
        lag_seconds: since the applier last finished something, None if it never did.
    """

    totals: Counter[str]
    sites: list[SiteLine]
    hours: list[tuple[dt.datetime, int, int]]
    oldest_waiting: dt.datetime | None
    retests_due: int
    retests_overdue: int
    lag_seconds: int | None

    @property
    def waiting(self) -> int:
        """People registered who have no final result and were not withdrawn."""
        counts = self.totals
        gone = counts[Measure.PEOPLE_RESULTED] + counts[Measure.PEOPLE_WITHDRAWN]
        return max(0, counts[Measure.PEOPLE_REGISTERED] - gone)

    @property
    def scanned_share(self) -> float | None:
        """Share of registrations that were scanned, not typed."""
        counts = self.totals
        both = counts[Measure.PEOPLE_SCANNED] + counts[Measure.PEOPLE_TYPED]
        return counts[Measure.PEOPLE_SCANNED] / both if both else None


def campaigns(session: Session) -> list[Campaign]:
    """Campaigns to choose from, the newest first."""
    return list(session.scalars(sa.select(Campaign).order_by(Campaign.starts_on.desc()).limit(50)))


def overview(session: Session, campaign_id: int) -> Overview:
    """Everything the page shows of one campaign, within the reader's scope."""
    rows = session.execute(
        sa.select(
            HourlyCount.site_id,
            Site.name,
            Site.status,
            HourlyCount.measure,
            sa.func.sum(HourlyCount.count),
            sa.func.max(HourlyCount.hour),
        )
        .join(Site, Site.id == HourlyCount.site_id)
        .where(HourlyCount.campaign_id == campaign_id)
        .group_by(HourlyCount.site_id, Site.name, Site.status, HourlyCount.measure)
    ).all()
    totals: Counter[str] = Counter()
    lines: dict[int, SiteLine] = {}
    now = clock.now()
    for site_id, name, status, measure, count, last in rows:
        totals[measure] += int(count)
        line = lines.get(site_id) or SiteLine(site_id, name, Counter(), None, is_silent=False)
        line.counts[measure] += int(count)
        if measure == Measure.PEOPLE_REGISTERED:
            silent = status == "open" and now - last > SILENT_AFTER
            line = SiteLine(site_id, name, line.counts, last, is_silent=silent)
        lines[site_id] = line
    due, overdue = _retests(session, campaign_id, now)
    return Overview(
        totals=totals,
        sites=sorted(lines.values(), key=lambda line: -line.counts[Measure.PEOPLE_REGISTERED]),
        hours=_hours(session, campaign_id),
        oldest_waiting=_oldest_waiting(session, campaign_id),
        retests_due=due,
        retests_overdue=overdue,
        lag_seconds=_lag(session, now),
    )


def has_samples(session: Session, campaign_id: int) -> bool:
    """Whether a campaign has a sample that was not withdrawn, within the reader's scope."""
    standing = sa.select(Sample.id).where(
        Sample.campaign_id == campaign_id, Sample.withdrawn_at.is_(None)
    )
    return session.scalar(standing.limit(1)) is not None


def _hours(session: Session, campaign_id: int) -> list[tuple[dt.datetime, int, int]]:
    shown = (Measure.PEOPLE_REGISTERED, Measure.TUBES_RESULTED)
    rows = session.execute(
        sa.select(
            HourlyCount.hour,
            *(
                sa.func.sum(sa.case((HourlyCount.measure == measure, HourlyCount.count), else_=0))
                for measure in shown
            ),
        )
        .where(HourlyCount.campaign_id == campaign_id, HourlyCount.measure.in_(shown))
        .group_by(HourlyCount.hour)
        .order_by(HourlyCount.hour.desc())
        .limit(HOURS_SHOWN)
    ).all()
    return [(hour, int(people), int(tubes)) for hour, people, tubes in reversed(rows)]


def _oldest_waiting(session: Session, campaign_id: int) -> dt.datetime | None:
    """One step into the index on (campaign, state, collection)."""
    return session.scalars(
        sa.select(Sample.collected_at)
        .where(
            Sample.campaign_id == campaign_id,
            Sample.state == "WAITING",
            Sample.withdrawn_at.is_(None),
        )
        .order_by(Sample.collected_at)
        .limit(1)
    ).first()


def _retests(session: Session, campaign_id: int, now: dt.datetime) -> tuple[int, int]:
    row = session.execute(
        sa.select(
            sa.func.count(Sample.id),
            sa.func.sum(sa.case((Sample.retest_due_at < now, 1), else_=0)),
        ).where(
            Sample.campaign_id == campaign_id,
            Sample.state.in_(("RETEST_DUE", "SUSPECT_POOL")),
        )
    ).one()
    return int(row[0]), int(row[1] or 0)


def _lag(session: Session, now: dt.datetime) -> int | None:
    applied_at = session.scalar(sa.select(ApplierState.applied_at).limit(1))
    return None if applied_at is None else max(0, int((now - applied_at).total_seconds()))
