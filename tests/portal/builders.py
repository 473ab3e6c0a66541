"""Rows that tests stand on, made through the services a user would go through."""

import datetime as dt
import itertools

import sqlalchemy as sa

from portal import actors, clock, db
from portal.areas.models import AdminUnit
from portal.campaigns import services as campaigns
from portal.campaigns.models import Campaign, CollectionSession
from portal.campaigns.rules import CampaignStatus, SessionStatus
from portal.sites import services as sites
from portal.sites.models import Site

SYSTEM = actors.system("tests")
_numbers = itertools.count(1)


def area(session: db.Session) -> AdminUnit:
    """A commune in a province of its own."""
    number = next(_numbers)
    with db.transaction(SYSTEM):
        province = AdminUnit(
            code=f"P{number}",
            level="province",
            kind="province",
            name=f"Tỉnh {number}",
            name_folded=f"tinh {number}",
            valid_from=dt.date(2025, 7, 1),
            path="",
        )
        session.add(province)
        session.flush()
        province.path = f"/{province.id}/"
        commune = AdminUnit(
            code=f"C{number}",
            level="commune",
            kind="ward",
            name=f"Phường {number}",
            name_folded=f"phuong {number}",
            parent_id=province.id,
            valid_from=dt.date(2025, 7, 1),
            path="",
        )
        session.add(commune)
        session.flush()
        commune.path = f"{province.path}{commune.id}/"
    return commune


def site(session: db.Session, *, code: str = "", name: str = "", kind: str = "collection") -> Site:
    """An open site in a commune of its own."""
    number = next(_numbers)
    place = area(session)
    with db.transaction(SYSTEM):
        made = sites.create(
            session,
            SYSTEM,
            sites.SiteDetails(
                code=code or f"S{number}",
                name=name or f"Điểm {number}",
                kind=kind,
                area_id=place.id,
            ),
        )
        for line in made.readiness:
            sites.confirm_ready(session, SYSTEM, site_id=made.id, item=line.item, is_ready=True)
        session.flush()
        sites.set_status(session, SYSTEM, site_id=made.id, status=sites.SiteStatus.OPEN)
    return made


def campaign(session: db.Session) -> Campaign:
    """An open campaign of the last days, with default pool rules."""
    number = next(_numbers)
    place = session.scalar(sa.select(AdminUnit).where(AdminUnit.level == "province").limit(1))
    place = place or area(session).parent
    with db.transaction(SYSTEM):
        made = campaigns.plan_campaign(
            session,
            SYSTEM,
            campaigns.CampaignPlan(
                code=f"CD{number}",
                name=f"Đợt {number}",
                disease="COVID-19",
                area_id=place.id,
                starts_on=clock.today() - dt.timedelta(days=14),
            ),
        )
        campaigns.set_campaign_status(
            session, SYSTEM, campaign_id=made.id, status=CampaignStatus.OPEN
        )
    return made


def sitting(
    session: db.Session, of_campaign: Campaign, at: Site, **values: object
) -> CollectionSession:
    """An open collection session of today."""
    with db.transaction(SYSTEM):
        made = campaigns.plan_session(
            session,
            SYSTEM,
            campaigns.SessionPlan(
                campaign_id=of_campaign.id, site_id=at.id, held_on=clock.today(), **values
            ),
        )
        campaigns.set_session_status(session, SYSTEM, session_id=made.id, status=SessionStatus.OPEN)
    return made
