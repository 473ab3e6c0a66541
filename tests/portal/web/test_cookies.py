"""Logins and clocks: of two nodes that disagree, and of one that is set back."""

import datetime as dt

import pytest
import time_machine
from flask import Flask

from portal import clock
from tests.portal.web.world import World, sign_in


@pytest.mark.parametrize("back", [dt.timedelta(seconds=2), dt.timedelta(hours=3)])
def test_a_login_made_by_a_clock_ahead_is_a_login(
    app: Flask, world: World, back: dt.timedelta
) -> None:
    now = clock.now()
    browser = sign_in(app, "collector-a")
    with time_machine.travel(now - back):
        assert browser.get("/session/").get_json()["is_signed_in"] is True


@pytest.mark.parametrize("hours", [-13, 13])
def test_a_login_from_long_ago_or_far_ahead_is_none(app: Flask, world: World, hours: int) -> None:
    now = clock.now()
    browser = sign_in(app, "collector-a")
    with time_machine.travel(now + dt.timedelta(hours=hours)):
        assert browser.get("/session/").get_json()["is_signed_in"] is False


def test_a_cookie_whose_instant_was_changed_is_none(app: Flask, world: World) -> None:
    browser = sign_in(app, "collector-a")
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie is not None
    body, _, signature = cookie.value.rpartition(".")
    payload, _, _ = body.rpartition(".")
    browser.set_cookie(name, f"{payload}.zzzzzz.{signature}")
    assert browser.get("/session/").get_json()["is_signed_in"] is False
