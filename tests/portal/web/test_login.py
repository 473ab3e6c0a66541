"""The door: who comes in, what keeps it closed, and what a first login must do."""

import datetime as dt

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal import clock, db
from portal.accounts.login import WINDOW, password_problems
from portal.accounts.models import LoginAttempt, StaffProfile, Training
from portal.accounts.rules import hash_first_login, new_first_login_code
from tests.portal.web.world import PASSWORD, World, sign_in, token, token_of

CODE = new_first_login_code()


def _try(app: Flask, username: str, password: str = PASSWORD) -> tuple[FlaskClient, int, str]:
    browser = app.test_client()
    sent = {"username": username, "password": password}
    answer = browser.post(
        "/login/", data={**sent, "csrf_token": token_of(browser.get("/login/").text)}
    )
    return browser, answer.status_code, answer.text


def _change(world: World, username: str, **values: object) -> None:
    with db.session_factory() as session, session.begin():
        profile = session.get_one(StaffProfile, world.staff[username].id)
        for name, value in values.items():
            setattr(profile, name, value)


def test_a_right_password_opens_the_home_page(app: Flask, world: World) -> None:
    page = sign_in(app, "collector-a").get("/")
    assert page.status_code == 200
    assert "collector-a" in page.text


def test_the_name_is_read_whatever_its_case(app: Flask, world: World) -> None:
    assert _try(app, "Collector-A ")[1] == 302


def test_wrong_names_and_wrong_passwords_get_the_same_answer(app: Flask, world: World) -> None:
    answers = [_try(app, name, "sai mật khẩu") for name in ("collector-a", "nobody")]
    assert [status for _, status, _ in answers] == [403, 403]
    assert all("Tên đăng nhập hoặc mật khẩu không đúng." in text for *_, text in answers)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "suspended"}, "đang bị tạm ngừng"),
        ({"expires_on": dt.date(2020, 1, 1)}, "đã hết hạn"),
    ],
)
def test_a_closed_account_says_why(
    app: Flask, world: World, values: dict[str, object], said: str
) -> None:
    _change(world, "collector-a", **values)
    _, status, text = _try(app, "collector-a")
    assert status == 403
    assert said in text


def test_an_account_opens_only_when_its_training_is_recorded(app: Flask, world: World) -> None:
    with db.session_factory() as session, session.begin():
        session.execute(
            sa.delete(Training).where(Training.staff_id == world.staff["collector-a"].id)
        )
    _, status, text = _try(app, "collector-a")
    assert status == 403
    assert "tập huấn" in text


def test_a_first_login_by_code_must_choose_a_password(app: Flask, world: World) -> None:
    _change(
        world,
        "collector-a",
        status="invited",
        must_change_password=True,
        first_login_hash=hash_first_login(CODE),
        first_login_expires_at=clock.now() + dt.timedelta(days=7),
    )
    assert _try(app, "collector-a")[1] == 403  # the old password is worth nothing meanwhile
    browser, status, _ = _try(app, "collector-a", CODE.lower())
    assert status == 302
    assert browser.get("/").headers["Location"] == "/password/"
    assert browser.get("/jobs/").headers["Location"] == "/password/"
    assert browser.get("/jobs/", headers={"Accept": "application/json"}).status_code == 403
    # What the page asks before it sends its form.
    assert browser.get("/session/", headers={"Accept": "application/json"}).json["is_signed_in"]
    sent = {"csrf_token": token(browser, "/password/"), "new": "ngắn", "again": "ngắn"}
    assert browser.post("/password/", data=sent).status_code == 422
    new = "hoa cúc vàng 2026"
    assert browser.post("/password/", data={**sent, "new": new, "again": new}).status_code == 302
    assert browser.get("/").status_code == 200
    assert _try(app, "collector-a", CODE)[1] == 403  # used up
    assert _try(app, "collector-a", new)[1] == 302


def test_a_code_past_its_day_opens_nothing(app: Flask, world: World) -> None:
    _change(
        world,
        "collector-a",
        status="invited",
        first_login_hash=hash_first_login(CODE),
        first_login_expires_at=clock.now() - dt.timedelta(minutes=1),
    )
    assert _try(app, "collector-a", CODE)[1] == 403


def test_a_lock_ends_by_itself(app: Flask, world: World) -> None:
    for number in range(6):
        _try(app, "collector-a", f"sai {number}")
    assert _try(app, "collector-a")[1] == 429
    assert _try(app, "collector-b")[1] == 302  # the neighbour behind the same address
    with time_machine.travel(clock.now() + WINDOW + dt.timedelta(seconds=1), tick=True):
        assert _try(app, "collector-a")[1] == 302


def test_attempts_are_counted_without_naming_anybody(app: Flask, world: World) -> None:
    _try(app, "collector-a", "sai")
    with db.session_factory() as session:
        attempt = session.scalars(sa.select(LoginAttempt)).one()
        assert "collector" not in attempt.subject
        assert (len(attempt.subject), len(attempt.network)) == (64, 64)
        assert not attempt.is_success


def test_no_login_door_stands_beside_ours(app: Flask) -> None:
    rules = {str(rule) for rule in app.url_map.iter_rules()}
    assert "/api/v1/security/login" not in rules
    assert not {rule for rule in rules if rule.startswith(("/users", "/roles", "/api/v1/security"))}


@pytest.mark.parametrize(
    ("password", "count"),
    [
        ("ngắn1", 2),
        ("1234567890", 1),
        ("chỉtoànchữcái", 1),
        ("collector-a 99", 1),
        ("aaaaaaaaa1", 1),
    ],
)
def test_simple_passwords_are_refused_with_every_reason(password: str, count: int) -> None:
    from flask import Flask as Bare
    from flask_babel import Babel

    bare = Bare("bare")
    Babel(bare)
    with bare.test_request_context():
        assert len(password_problems(password, "collector-a")) == count
        assert password_problems("hoa cúc vàng 2026", "collector-a") == []
