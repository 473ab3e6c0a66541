"""Counters add up, on both databases, and in the caller's transaction."""

import datetime as dt

import sqlalchemy as sa

from portal.actors import system
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.campaigns.models import HourlyCount
from portal.db import transaction
from tests.portal.ingest.province import make_province

HOUR = dt.datetime(2026, 8, 1, 3, tzinfo=dt.UTC)


def _counts(session) -> dict[tuple[str, dt.datetime], int]:
    rows = session.execute(sa.select(HourlyCount.measure, HourlyCount.hour, HourlyCount.count))
    return {(measure, hour): count for measure, hour, count in rows}


def test_deltas_add_up(session) -> None:
    place = make_province()
    key = (place.campaign_id, place.site_id, HOUR, Measure.PEOPLE_REGISTERED)
    tubes = (place.campaign_id, place.site_id, HOUR, Measure.TUBES_REGISTERED)
    with transaction(system("test")) as writing:
        counters.add(writing, {key: 5, tubes: 1})
    with transaction(system("test")) as writing:
        counters.add(writing, {key: 2, tubes: 0})
        counters.add(writing, {key: -1})
    assert _counts(session) == {("people_registered", HOUR): 6, ("tubes_registered", HOUR): 1}


def test_a_rolled_back_fact_is_not_counted(session) -> None:
    place = make_province()
    key = (place.campaign_id, place.site_id, HOUR, Measure.PEOPLE_REGISTERED)
    session.info["actor"] = system("test")
    counters.add(session, {key: 5})
    session.rollback()
    assert _counts(session) == {}


def test_thousands_of_keys_fit(session) -> None:
    place = make_province()
    deltas = {
        (place.campaign_id, place.site_id, HOUR + dt.timedelta(hours=n), "people_registered"): 1
        for n in range(12_000)
    }
    with transaction(system("test")) as writing:
        counters.add(writing, deltas)
    assert len(_counts(session)) == 12_000


def test_the_hour_is_that_of_the_instant() -> None:
    local = dt.timezone(dt.timedelta(hours=7))
    assert counters.hour_of(dt.datetime(2026, 8, 1, 10, 59, 59, 9, tzinfo=local)) == HOUR
