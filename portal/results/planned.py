"""F9: who declared for a round and is in no tube yet; households of which only some are.

A plan is a declaration of health of the commune since the round began: people declare first and
are sampled then. A household is who gave the same address in the same commune.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession
from portal.declarations.models import Declaration
from portal.people.models import Person
from portal.samples.models import Sample

MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Household:
    """People of one address.

    Attributes:
        address: as declared.
        missing: declarations of those in no tube.
        sampled: how many of the same address are in a tube.
    """

    address: str
    missing: list[Declaration]
    sampled: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A commune: households with somebody in no tube, those begun and not finished first."""

    households: list[Household]
    people: int
    incomplete: int
    is_cut_off: bool


def areas_of(session: Session, campaign_id: int) -> list[AdminUnit]:
    """Communes in which the campaign holds sessions."""
    held = sa.select(CollectionSession.area_id).where(CollectionSession.campaign_id == campaign_id)
    return list(
        session.scalars(sa.select(AdminUnit).where(AdminUnit.id.in_(held)).order_by(AdminUnit.name))
    )


def list_of(session: Session, campaign: Campaign, area_id: int) -> Planned:
    """Who of a commune declared since the round began and is in no tube of it."""
    begin = clock.start_of_day(campaign.starts_on)
    end = (
        clock.start_of_day(campaign.ends_on + dt.timedelta(days=1))
        if campaign.ends_on
        else clock.now() + dt.timedelta(days=1)
    )
    in_plan = (
        Declaration.area_id == area_id,
        Declaration.status == "current",
        Declaration.submitted_at >= begin,
        Declaration.submitted_at < end,
    )
    missing = session.scalars(
        sa.select(Declaration)
        .where(*in_plan, *_in_no_tube(campaign.id))
        .order_by(Declaration.id)
        .limit(MOST_LISTED + 1)
    ).all()
    by_address: dict[str, list[Declaration]] = defaultdict(list)
    for row in missing[:MOST_LISTED]:
        by_address[key_of(row.address)].append(row)
    present = _sampled_by_address(session, campaign.id, area_id)
    households = [
        Household(rows[0].address, rows, present.get(key, 0) if key else 0)
        for key, rows in by_address.items()
    ]
    households.sort(key=lambda house: (not house.sampled, house.address))
    return Planned(
        households,
        min(len(missing), MOST_LISTED),
        sum(1 for house in households if house.sampled),
        is_cut_off=len(missing) > MOST_LISTED,
    )


def _in_no_tube(campaign_id: int) -> list[sa.ColumnElement[bool]]:
    """No sample of the declared person, of who was merged with it, or of the same identity card.

    Each by an index of its own.
    """
    in_round = (Sample.campaign_id == campaign_id, Sample.withdrawn_at.is_(None))
    samples = sa.select(Sample.id).where(*in_round)
    of_person = samples.join(Person, Person.id == Sample.person_id)
    declared = sa.orm.aliased(Person)
    found = (
        samples.where(Sample.person_id == Declaration.person_id),
        of_person.where(Person.merged_into_id == Declaration.person_id),
        samples.join(declared, declared.merged_into_id == Sample.person_id).where(
            declared.id == Declaration.person_id
        ),
        of_person.where(
            Declaration.national_id != "", Person.national_id == Declaration.national_id
        ),
    )
    return [~sa.exists(each.correlate(Declaration)) for each in found]


def key_of(address: str) -> str:
    """An address as it is compared: case and spaces do not matter."""
    return " ".join(address.casefold().replace(",", " ").split())


def _sampled_by_address(session: Session, campaign_id: int, area_id: int) -> dict[str, int]:
    # From the people of the commune to their samples: of the campaign there are many more.
    is_sampled = sa.exists(
        sa.select(Sample.id)
        .where(
            Sample.person_id == Person.id,
            Sample.campaign_id == campaign_id,
            Sample.withdrawn_at.is_(None),
        )
        .correlate(Person)
    )
    rows = session.execute(
        sa.select(Person.address, sa.func.count(Person.id))
        .where(Person.area_id == area_id, Person.address != "", is_sampled)
        .group_by(Person.address)
    )
    found: dict[str, int] = defaultdict(int)
    for address, count in rows:
        found[key_of(address)] += count
    return found
