"""How whole and how sure the records of each site are (R18), counted for one campaign."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ingest.models import QuarantinedEvent
from portal.people.models import Person, PersonIdentifier
from portal.pools.models import Finding
from portal.samples.models import Sample
from portal.sites.models import Site


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
    """A line for each site with records or doubts, the least whole first, within the scope."""
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
    ).mappings()  # fmt: skip
    found = {row["site_id"]: {name: int(row[name]) for name in ("records", *counted)}
             for row in rows}  # fmt: skip
    doubts = _doubts(session, campaign_id)
    names = dict(
        session.execute(sa.select(Site.id, Site.name).where(Site.id.in_({*found, *doubts}))).all()
    )
    lines = [
        Line(names[key], **found.get(key, {}), doubts=doubts[key])
        for key in {*found, *doubts} & set(names)
    ]
    return sorted(lines, key=lambda line: (line.whole_share or 0.0, -line.records, line.site))


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
