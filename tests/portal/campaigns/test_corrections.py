"""What may be corrected of a campaign and of a collection session, and what stays."""

import datetime as dt

import pytest

from portal import actors, clock, db
from portal.campaigns import services
from portal.errors import Conflict, Invalid
from tests.portal import builders

SYSTEM = actors.system("tests")


def test_a_campaign_gets_a_new_name_and_end_but_not_before_its_sessions(
    session: db.Session,
) -> None:
    campaign = builders.campaign(session)
    sitting = builders.sitting(session, campaign, builders.site(session))

    def correct(**changes: object) -> None:
        values = {
            "name": "Vòng 2", "disease": "COVID-19", "ends_on": None, "target_people_count": 10,
            **changes,
        }  # fmt: skip
        with db.transaction(SYSTEM) as open_session:
            services.correct_campaign(open_session, SYSTEM, campaign_id=campaign.id, **values)

    version = campaign.version
    correct(ends_on=sitting.held_on)
    session.refresh(campaign)
    assert (campaign.name, campaign.ends_on) == ("Vòng 2", sitting.held_on)
    assert campaign.version == version + 1
    early = min(campaign.starts_on, sitting.held_on) - dt.timedelta(days=1)
    with pytest.raises(Invalid) as refused:
        correct(name=" ", ends_on=early, target_people_count=-1)
    assert len(refused.value.details) == 4  # all at once
    session.refresh(campaign)
    assert campaign.name == "Vòng 2"


def test_the_day_of_a_session_stays_once_it_was_opened(session: db.Session) -> None:
    campaign = builders.campaign(session)
    sitting = builders.sitting(session, campaign, builders.site(session))

    def correct(held_on: dt.date, pool_size: int = 3) -> None:
        with db.transaction(SYSTEM) as open_session:
            services.correct_session(
                open_session, SYSTEM, session_id=sitting.id, held_on=held_on,
                pool_size=pool_size, note="Sân trường",
            )  # fmt: skip

    sitting.opened_at = None
    session.commit()
    later = max(campaign.starts_on, sitting.held_on) + dt.timedelta(days=1)
    correct(later)
    session.refresh(sitting)
    assert (sitting.held_on, sitting.pool_size, sitting.note) == (later, 3, "Sân trường")
    with pytest.raises(Invalid) as refused:
        correct(campaign.starts_on - dt.timedelta(days=1), pool_size=99)
    assert len(refused.value.details) == 2
    sitting.opened_at = clock.now()
    session.commit()
    correct(later, pool_size=2)
    with pytest.raises(Conflict):
        correct(later + dt.timedelta(days=1))
