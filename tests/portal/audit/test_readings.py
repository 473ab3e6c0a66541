"""Readings of many rows, searches, exports and bulk changes leave what happened, sealed."""

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db
from portal.actors import EVERYTHING, Actor, system
from portal.audit import personal, rules, services
from portal.audit.models import AuditEvent
from portal.jobs import worker
from portal.people.models import Person
from portal.samples.models import Sample, Tube
from tests.portal.web.world import World, make, sign_in, token, token_of

ACTOR = Actor(kind="staff", name="an", user_id=7, scope=EVERYTHING)


@pytest.fixture
def world(app: Flask) -> World:
    return make(app)


def _events(action: str, table: str) -> list[AuditEvent]:
    session = db.db_session()
    session.expire_all()
    return list(
        session.scalars(
            sa.select(AuditEvent)
            .where(AuditEvent.action == action, AuditEvent.table_name == table)
            .order_by(AuditEvent.id)
        )
    )


def test_a_page_of_people_is_one_event_with_the_rows_shown(app: Flask, world: World) -> None:
    browser = sign_in(app, "auditor")
    assert browser.get("/samples/list/").status_code == 200
    (event,) = _events("list", "samples")
    keys = sorted(one.id for samples in world.samples.values() for one in samples)
    assert event.change == {"rows": rules.ranges(keys)}
    assert (event.actor_name, event.row_count) == ("auditor", 6)
    assert (event.first_key, event.last_key) == (keys[0], keys[-1])


def test_a_manager_leaves_only_the_rows_that_were_seen(app: Flask, world: World) -> None:
    sign_in(app, "site-manager-a").get("/samples/list/")
    (event,) = _events("list", "samples")
    assert event.change == {"rows": rules.ranges(one.id for one in world.samples["a"])}


def test_a_list_without_people_leaves_nothing(app: Flask, world: World) -> None:
    sign_in(app, "department-admin").get("/sites/list/")
    assert _events("list", "sites") == []


def test_what_was_searched_is_sealed_and_shown_while_its_key_exists(
    app: Flask, world: World
) -> None:
    browser = sign_in(app, "auditor")
    page = browser.get("/people/list/").get_data(as_text=True)
    found = browser.post(
        "/people/list/",
        data={"full_name": "Nguyễn Văn a0", "csrf_token": token_of(page)},
        follow_redirects=True,
    )
    assert "Nguyễn Văn a0" in found.get_data(as_text=True)
    event = _events("list", "people")[-1]
    assert event.change["asked"] == []
    assert "Nguyễn" not in json.dumps(event.change, ensure_ascii=False)
    assert "Nguyễn Văn a0" in str(event.shown_change["asked"])
    assert event.row_count == 1
    with db.transaction(system("test")) as session:
        personal.erase(session, [event.subject])
    (again,) = [one for one in _events("list", "people") if one.id == event.id]
    assert again.shown_change["asked"] == []
    assert again.shown_change["rows"]


def test_a_search_that_finds_nobody_is_written_down_too(app: Flask, world: World) -> None:
    browser = sign_in(app, "auditor")
    page = browser.get("/people/list/").get_data(as_text=True)
    browser.post(
        "/people/list/",
        data={"phone": "0999999999", "csrf_token": token_of(page)},
        follow_redirects=True,
    )
    event = _events("list", "people")[-1]
    assert event.row_count == 0
    assert "0999999999" in str(event.shown_change["asked"])


def test_a_form_that_shows_a_person_counts_as_opening(app: Flask, world: World) -> None:
    person = db.db_session().scalars(sa.select(Person.id)).first()
    assert sign_in(app, "data-officer").get(f"/people/edit/{person}").status_code == 200
    assert [event.row_key for event in _events("read", "people")] == [str(person)]


def test_a_file_of_people_needs_a_purpose_and_names_its_rows(app: Flask, world: World) -> None:
    browser = sign_in(app, "auditor")
    sent = {"format": "csv", "csrf_token": token(browser)}
    refused = browser.post("/samples/export", data=sent)
    assert refused.status_code == 302
    assert _events("export csv", "samples") == []
    browser.post("/samples/export", data={**sent, "purpose": "inspection"})
    (asked,) = _events("export csv", "samples")
    assert asked.purpose == "inspection"
    with app.app_context():
        assert worker.run_once(app.config["TRAM"].var_dir)
    (made,) = _events("exported csv", "samples")
    keys = [one.id for samples in world.samples.values() for one in samples]
    assert made.change == {"rows": rules.ranges(keys)}
    assert (made.purpose, made.row_count, made.actor_name) == ("inspection", 6, "auditor")


def test_a_bulk_change_of_a_status_keeps_before_and_after(app: Flask, world: World) -> None:
    with db.transaction(ACTOR) as session:
        tubes = session.scalars(sa.select(Tube.id).order_by(Tube.id)).all()
        session.execute(sa.update(Tube).where(Tube.id == tubes[0]).values(status="sent"))
        session.execute(
            sa.update(Tube.__table__)
            .where(Tube.__table__.c.id.in_(tubes))
            .values(status="received", version=Tube.__table__.c.version + 1)
            .execution_options(audit="tubes.receive")
        )
    (event,) = _events("tubes.receive", "tubes")
    before, after = event.change["status"]
    assert after == "received"
    assert f"sent ({tubes[0]})" in before
    assert str(tubes[1]) in before
    assert event.change["rows"] == rules.ranges(tubes)


def test_a_bulk_change_of_people_is_sealed_for_each_of_them(app: Flask, world: World) -> None:
    table = Sample.__table__
    keys = [one.id for one in world.samples["a"]]
    with db.transaction(ACTOR) as session:
        session.execute(
            sa.update(table)
            .where(table.c.id.in_(keys[:2]))
            .values(state="NEG_SINGLE", version=table.c.version + 1)
            .execution_options(audit="samples.NEG_SINGLE")
        )
        session.execute(  # changes only the third: the others have the state already
            sa.update(table)
            .where(table.c.id.in_(keys))
            .values(state="NEG_SINGLE")
            .execution_options(audit="samples.again")
        )
    first = _events("samples.NEG_SINGLE", "samples")
    assert [event.row_key for event in first] == ["", *map(str, keys[:2])]
    for event in first[1:]:
        assert event.subject.startswith("people/")
        assert event.change == {"state": []}
        assert event.shown_change["state"] == ["WAITING", "NEG_SINGLE"]
        assert b"NEG_SINGLE" not in (event.personal or b"")
    again = _events("samples.again", "samples")
    assert [event.row_key for event in again] == ["", str(keys[2])]


@pytest.mark.parametrize(
    ("keys", "said"), [([3, 4, 5, 9], "3-5, 9"), (range(0, 20_000, 2), "~0-19998"), ([], "")]
)
def test_keys_are_told_in_short(keys: list[int], said: str) -> None:
    assert rules.ranges(keys) == said
    assert all(rules.range_holds(said, key) for key in keys)
    assert not rules.range_holds(said, 99_999)


def test_reading_nothing_costs_nothing(app: Flask, world: World) -> None:
    with db.transaction(ACTOR) as session:
        services.read_many(session, ACTOR, "samples", [])
    (event,) = _events("list", "samples")
    assert (event.row_count, event.change, event.first_key) == (0, {}, None)
