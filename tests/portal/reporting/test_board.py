"""The coordinator's page: sums of counters, and what they leave over."""

import datetime as dt

from portal import actors, clock, db
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.reporting import queries
from tests.portal import builders


def test_the_page_adds_up_counters_by_site_and_names_a_silent_one(session: db.Session) -> None:
    site, other = builders.site(session), builders.site(session)
    campaign = builders.campaign(session)
    now = counters.hour_of(clock.now())
    long_ago = now - dt.timedelta(hours=5)
    with db.transaction(actors.system("tests")) as open_session:
        counters.add(
            open_session,
            {
                (campaign.id, site.id, now, Measure.PEOPLE_REGISTERED): 10,
                (campaign.id, site.id, now, Measure.PEOPLE_SCANNED): 9,
                (campaign.id, site.id, now, Measure.PEOPLE_TYPED): 1,
                (campaign.id, site.id, now, Measure.PEOPLE_RESULTED): 4,
                (campaign.id, other.id, long_ago, Measure.PEOPLE_REGISTERED): 5,
                (campaign.id, other.id, long_ago, Measure.PEOPLE_WITHDRAWN): 1,
            },
        )
    found = queries.overview(session, campaign.id)
    assert found.totals[Measure.PEOPLE_REGISTERED] == 15
    assert found.waiting == 10
    assert found.scanned_share == 0.9
    assert [(line.site_id, line.is_silent) for line in found.sites] == [
        (site.id, False),
        (other.id, True),
    ]
    assert [people for _hour, people, _tubes in found.hours] == [5, 10]
    assert found.oldest_waiting is None
