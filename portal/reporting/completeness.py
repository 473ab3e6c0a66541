"""How whole and how sure the records of each site are (R18), counted for one campaign."""

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.campaigns.models import Campaign
from portal.ingest.models import QuarantinedEvent
from portal.jobs import kinds
from portal.people.models import Person, PersonIdentifier
from portal.pools.models import Finding
from portal.reporting.models import CompletenessCount
from portal.samples.models import Sample
from portal.sites.models import Site

EVERY_SECONDS = 60
_SHARE_OF_TIME = 0.01
_LONG_OVER = dt.timedelta(days=60)
_COUNTED = (
    "records", "without_card", "year_only", "without_phone", "without_address", "typed", "whole",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A site's records of one campaign; every figure counts samples that were not withdrawn.

    Attributes:
        without_card: nothing names the person but name and birth.
        year_only: the day of birth is not known.
        without_phone, without_address: where nobody can be reached.
        typed: taken down by hand, where a slip of the finger is possible.
        whole: lacks none of card, day of birth, phone and address.
        doubts: open findings and events not applied, which somebody has to look at.
    """

    site: str
    records: int = 0
    without_card: int = 0
    year_only: int = 0
    without_phone: int = 0
    without_address: int = 0
    typed: int = 0
    whole: int = 0
    doubts: int = 0

    @property
    def whole_share(self) -> float | None:
        """Share of the records that lack nothing; None without records."""
        return self.whole / self.records if self.records else None


def by_site(session: Session, campaign_id: int) -> list[Line]:
    """A line for each site with records or doubts, the least whole first, within the scope.

    Records are as `count_again` found them last, doubts as they are now.
    """
    found = {
        count.site_id: {name: getattr(count, name) for name in _COUNTED}
        for count in session.scalars(
            sa.select(CompletenessCount).where(CompletenessCount.campaign_id == campaign_id)
        )
    }
    doubts = _doubts(session, campaign_id)
    names = dict(
        session.execute(sa.select(Site.id, Site.name).where(Site.id.in_({*found, *doubts}))).all()
    )
    lines = [
        Line(names[key], **found.get(key, {}), doubts=doubts[key])
        for key in {*found, *doubts} & set(names)
    ]
    return sorted(lines, key=lambda line: (line.whole_share or 0.0, -line.records, line.site))


def counted_at(session: Session, campaign_id: int) -> dt.datetime | None:
    """When the records of a campaign were last counted; None before the first time."""
    return session.scalar(
        sa.select(sa.func.max(CompletenessCount.counted_at)).where(
            CompletenessCount.campaign_id == campaign_id
        )
    )


def count_again(session: Session, _actor: Actor) -> dict[str, int]:
    """Counts the campaigns whose time has come; a chore of the worker, which sees every site.

    A campaign is counted at most once a minute and for at most a hundredth of the time, so that
    the page is fresh where counting is cheap and cheap where it is not; one that is long over,
    once a day.
    """
    last = {
        key: (at, took)
        for key, at, took in session.execute(
            sa.select(
                CompletenessCount.campaign_id,
                sa.func.max(CompletenessCount.counted_at),
                sa.func.max(CompletenessCount.took_ms),
            ).group_by(CompletenessCount.campaign_id)
        )
    }
    now = clock.now()
    for campaign in session.scalars(sa.select(Campaign)):
        at, took_ms = last.get(campaign.id, (None, 0))
        is_over = campaign.ends_on is not None and now.date() - campaign.ends_on > _LONG_OVER
        pause = dt.timedelta(
            seconds=86_400 if is_over else max(EVERY_SECONDS, took_ms / 1000 / _SHARE_OF_TIME)
        )
        if at is None or now - at >= pause:
            count(session, campaign.id)
    return {}


def count(session: Session, campaign_id: int) -> None:
    """Reads every record of a campaign and keeps what each site's lack."""
    began = time.perf_counter()
    has_card = (
        sa.select(PersonIdentifier.id)
        .where(PersonIdentifier.person_id == Person.id)
        .correlate(Person)
        .exists()
    )
    lacks = {
        "without_card": sa.not_(has_card),
        "year_only": Person.birth_on.is_(None),
        "without_phone": Person.phone == "",
        "without_address": Person.address == "",
    }
    counted = {
        **lacks,
        "typed": Sample.source == "typed",
        "whole": sa.not_(sa.or_(*lacks.values())),
    }
    rows = session.execute(
        sa.select(
            Sample.site_id,
            sa.func.count().label("records"),
            *(sa.func.sum(sa.case((is_so, 1), else_=0)).label(name)
              for name, is_so in counted.items()),
        )
        .join(Person, Person.id == Sample.person_id)
        .where(Sample.campaign_id == campaign_id, Sample.withdrawn_at.is_(None))
        .group_by(Sample.site_id)
    ).mappings().all()  # fmt: skip
    took_ms = round((time.perf_counter() - began) * 1000)
    session.execute(
        sa.delete(CompletenessCount).where(CompletenessCount.campaign_id == campaign_id)
    )
    now = clock.now()
    session.add_all(
        CompletenessCount(campaign_id=campaign_id, counted_at=now, took_ms=took_ms, **row)
        for row in rows
    )
    session.flush()


def _doubts(session: Session, campaign_id: int) -> Counter[int]:
    """Open findings of the campaign and events not applied, by site."""
    doubts: Counter[int] = Counter()
    findings = (
        sa.select(Finding.site_id, sa.func.count(Finding.id))
        .where(
            Finding.campaign_id == campaign_id,
            Finding.status == "open",
            Finding.site_id.is_not(None),
        )
        .group_by(Finding.site_id)
    )
    events = (
        sa.select(QuarantinedEvent.site_id, sa.func.count(QuarantinedEvent.id))
        .where(QuarantinedEvent.status == "open")
        .group_by(QuarantinedEvent.site_id)
    )
    for statement in (findings, events):
        for site_id, count in session.execute(statement):
            if site_id is not None:
                doubts[site_id] += count
    return doubts


def total(lines: list[Line], name: str) -> Line:
    """The sums of all lines."""
    summed = {
        field: sum(getattr(line, field) for line in lines)
        for field in Line.__dataclass_fields__
        if field != "site"
    }
    return Line(name, **summed)


kinds.repeat("reporting.completeness", EVERY_SECONDS, count_again)
