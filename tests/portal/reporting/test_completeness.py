"""The completeness of each site's records: what is counted, who sees which, and the file."""

import csv
import datetime as dt
import io

import sqlalchemy as sa
from flask import Flask

from portal import clock, db
from portal.actors import system
from portal.campaigns.models import Campaign
from portal.people.models import Person, PersonIdentifier
from portal.pools.models import Finding
from portal.reporting import completeness
from portal.reporting.models import CompletenessCount
from portal.samples.models import Sample
from tests.portal.web.world import World, sign_in


def fill(app: Flask, world: World) -> None:
    """Site A: one whole record, one without anything, one withdrawn; B: three bare ones."""
    with app.app_context(), db.session_factory() as session, session.begin():
        first, second, third = (session.get_one(Sample, s.id) for s in world.samples["a"])
        person = session.get_one(Person, first.person_id)
        person.phone, person.address, person.birth_on = "0905123456", "Tổ 1", dt.date(1990, 1, 1)
        session.add(PersonIdentifier(person_id=person.id, kind="national_id",
                                     value="048090000001", created_at=clock.now()))  # fmt: skip
        for sample in (first, second):
            sample.source = "cccd"
        session.execute(
            sa.update(Person)
            .where(Person.id != person.id)
            .values(phone="", address="", birth_on=None)
        )
        third.withdrawn_at = clock.now()
        session.add(Finding(code="F4", campaign_id=world.campaign.id,
                            site_id=world.sites["a"].id, found_at=clock.now()))  # fmt: skip
        session.flush()
        completeness.count_again(session, system("worker"))


def test_what_the_records_of_a_site_lack_is_counted(app: Flask, world: World) -> None:
    fill(app, world)
    with app.app_context(), db.session_factory() as session:
        lines = completeness.by_site(session, world.campaign.id)
    bare, mixed = lines  # the least whole first
    assert (bare.records, bare.whole, bare.without_card, bare.doubts) == (3, 0, 3, 0)
    assert (mixed.records, mixed.whole, mixed.without_phone, mixed.typed) == (2, 1, 1, 0)
    assert (mixed.year_only, mixed.without_address, mixed.doubts) == (1, 1, 1)
    assert mixed.whole_share == 0.5
    every = completeness.total(lines, "x")
    assert (every.records, every.whole, every.doubts) == (5, 1, 1)


def test_a_site_manager_sees_and_exports_the_own_site_only(app: Flask, world: World) -> None:
    fill(app, world)
    manager, wide = sign_in(app, "site-manager-a"), sign_in(app, "coordinator")
    own, other = world.sites["a"].name, world.sites["b"].name
    page = manager.get("/completeness/").text
    assert own in page
    assert other not in page
    assert other in wide.get("/completeness/").text
    file = manager.get("/completeness/export.csv").data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(file)))
    assert [row[0] for row in rows[1:]] == [own]
    assert rows[1][1:3] == ["2", "1"]
    assert manager.get("/completeness/export.xlsx").data.startswith(b"PK")
    assert sign_in(app, "collector-a").get("/completeness/").status_code == 403


def test_before_the_first_count_the_page_says_so(app: Flask, world: World) -> None:
    with app.app_context(), db.session_factory() as session, session.begin():
        session.execute(sa.delete(CompletenessCount))
    for login in ("coordinator", "site-manager-a"):
        assert "Đang đếm các bản ghi" in sign_in(app, login).get("/completeness/").text


def test_records_are_counted_again_when_it_costs_little(app: Flask, world: World) -> None:
    fill(app, world)
    with app.app_context(), db.session_factory() as session, session.begin():
        campaign = session.get_one(Campaign, world.campaign.id)
        session.execute(sa.update(Sample).values(source="typed"))

        def typed_after(age: dt.timedelta, took_ms: int) -> int:
            session.execute(
                sa.update(CompletenessCount).values(
                    counted_at=clock.now() - age, took_ms=took_ms, typed=0
                )
            )
            session.expire_all()
            completeness.count_again(session, system("worker"))
            return completeness.total(completeness.by_site(session, campaign.id), "x").typed

        assert typed_after(dt.timedelta(seconds=50), 1) == 0
        assert typed_after(dt.timedelta(seconds=70), 1) == 5
        assert typed_after(dt.timedelta(seconds=70), 4000) == 0
        assert typed_after(dt.timedelta(seconds=410), 4000) == 5
        campaign.ends_on = clock.now().date() - dt.timedelta(days=61)
        session.flush()
        assert typed_after(dt.timedelta(hours=23), 1) == 0
        assert typed_after(dt.timedelta(hours=25), 1) == 5
