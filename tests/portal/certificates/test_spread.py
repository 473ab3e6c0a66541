"""A large release opens to citizens little by little: who waits, until when, and who never."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
import time_machine
from flask import Flask

import core_rs
from portal import db
from portal.certificates import queries
from portal.certificates.spread import opens_at, waits_until
from portal.web.formats import instant
from tests.portal.certificates.browser import Browser
from tests.portal.certificates.world import World

BIRTH = "02/09/1984"
MINUTES = 60


@pytest.fixture
def world(app: Flask) -> World:
    app.config["TRAM"] = replace(app.config["TRAM"], release_spread_minutes=MINUTES)
    return World(db.db_session())


def _facts(world: World, sample):
    world.session.commit()
    (facts,) = queries.facts_of(world.session, [sample.id])
    return facts


def test_a_release_of_ten_thousand_opens_evenly_over_the_window(world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    facts = _facts(world, sample)
    minutes = Counter()
    for _ in range(10_000):
        one = replace(facts, result_code=core_rs.new_code(10))
        opens = opens_at(one, minutes=MINUTES)
        assert facts.released_at < opens <= facts.released_at + dt.timedelta(minutes=MINUTES)
        assert opens == opens_at(one, minutes=MINUTES)
        minutes[opens] += 1
    assert len(minutes) == MINUTES
    # 167 a minute on average; nine standard deviations are 113.
    assert max(minutes.values()) < 280
    assert opens_at(facts, minutes=0) is None


@pytest.mark.parametrize("state", ["POS_CONFIRMED", "SUSPECT_POOL", "RETEST_DUE", "UNRESOLVED"])
def test_what_must_be_acted_on_opens_at_once(world: World, state: str) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "positive", state=state)
    facts = _facts(world, sample)
    assert waits_until(facts, minutes=MINUTES, now=facts.released_at) is None


def test_the_answer_of_a_retest_opens_at_once(world: World) -> None:
    person = world.person()
    first = world.sample(person)
    world.release(first.tube, "positive", state="RETEST_RUNNING")
    again = world.sample(person, retest_of_id=first.id)
    world.release(again.tube, "negative")
    facts = _facts(world, again)
    assert waits_until(facts, minutes=MINUTES, now=facts.released_at) is None


def test_the_page_tells_the_moment_and_then_the_result(app: Flask, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    facts = _facts(world, sample)
    opens = opens_at(facts, minutes=MINUTES)
    browser = Browser(app.test_client())
    browser.client.set_cookie("language", "en")
    early = opens - dt.timedelta(seconds=20)
    with time_machine.travel(early, tick=False):
        browser.open("/tra-cuu")
        page = browser.send(code=facts.result_code, factor=BIRTH)
        assert instant(opens) in page.html
        assert "Negative" not in page.html
        assert "ket-qua" not in page.html
        assert not any(form["action"] == "/tra-cuu/giay" for form in page.forms)
        # Somebody who makes up the form of the paper gets none.
        fields = {
            "csrf_token": page.field("csrf_token"),
            "ticket": page.field("ticket"),
            "sample": str(sample.id),
        }
        assert browser.client.post("/tra-cuu/giay", data=fields).status_code == 404
    with time_machine.travel(opens + dt.timedelta(seconds=1), tick=False):
        browser.open("/tra-cuu")
        page = browser.send(code=facts.result_code, factor=BIRTH)
        assert instant(opens) not in page.html
        assert any(form["action"] == "/tra-cuu/giay" for form in page.forms)
