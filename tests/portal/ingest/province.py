"""A small province to collect in: an area, sites, a campaign, a session, label ranges."""

import datetime as dt
from dataclasses import dataclass

from portal import clock
from portal.actors import system
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.db import transaction
from portal.sites.models import Site


@dataclass(frozen=True)
class Province:
    """Keys of what was made."""

    area_id: int
    site_id: int
    laboratory_id: int
    campaign_id: int
    session_code: str
    session_id: int


def make_province(*, session_code: str = "S1", pool_size: int = 5) -> Province:
    """One commune with a collection site, a laboratory and an open collection session."""
    now = clock.now()
    with transaction(system("test")) as session:
        area = AdminUnit(
            code="20242",
            level="commune",
            kind="ward",
            name="Hải Châu",
            name_folded="hai chau",
            path="/1/",
            valid_from=dt.date(2025, 7, 1),
        )
        session.add(area)
        session.flush()
        site = Site(
            code="T1",
            name="Trạm y tế Hải Châu",
            kind="collection",
            area_id=area.id,
            status="open",
            opened_at=now,
        )
        laboratory = Site(
            code="L1", name="CDC", kind="laboratory", area_id=area.id, status="open", opened_at=now
        )
        session.add_all([site, laboratory])
        session.flush()
        campaign = Campaign(
            code="C1",
            name="Đợt 1",
            disease="COVID-19",
            area_id=area.id,
            starts_on=dt.date(2026, 1, 1),
            status="open",
        )
        session.add(campaign)
        session.flush()
        session.add(
            PoolPolicy(
                campaign_id=campaign.id,
                method="pcr",
                valid_from=dt.date(2026, 1, 1),
                document="Decision 1",
            )
        )
        sitting = CollectionSession(
            code=session_code,
            campaign_id=campaign.id,
            site_id=site.id,
            area_id=area.id,
            held_on=dt.date(2026, 8, 1),
            pool_size=pool_size,
            status="open",
            opened_at=now,
        )
        session.add(sitting)
        session.flush()
        return Province(area.id, site.id, laboratory.id, campaign.id, session_code, sitting.id)
