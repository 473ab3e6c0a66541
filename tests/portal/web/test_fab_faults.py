"""Faults of plain FAB 5.3, each shown there and shown to be gone here (what fab.md measured)."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db
from portal.accounts.login import MAX_FAILURES_PER_ACCOUNT
from portal.app import create_app
from portal.campaigns.models import Campaign
from portal.samples.models import Sample, Tube
from portal.settings import Settings
from portal.web.lists import ScopedListView
from portal.web.views import RecordView, SQLAInterface
from tests.portal.web import plain_fab
from tests.portal.web.screens import TestedSamples
from tests.portal.web.world import PASSWORD, World, sign_in, token, token_of

# What plain FAB draws warns of WTForms 4; that is its affair.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Plain = tuple[Flask, dict[str, Any], list[str]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: the faults are of the web layer."""
    return sqlite_url


@pytest.fixture
def plain(screens: Flask, world: World, config: Settings) -> Iterator[Plain]:
    with plain_fab.plain(config.database_url, world.sites["a"].id) as made:
        yield made


def _two_at_once(first: Any, second: Any) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(first), pool.submit(second)]
        return [task.result(30) for task in tasks]


def test_plain_shows_one_request_the_filter_of_another(plain: Plain, monkeypatch: Any) -> None:
    app, views, _ = plain
    meeting = threading.Barrier(2)
    view = type(views["samples"])
    list_widget = view._get_list_widget

    def waiting(self: Any, **kwargs: Any) -> Any:
        meeting.wait(10)  # both requests have read their filters; neither has asked the database
        return list_widget(self, **kwargs)

    monkeypatch.setattr(view, "_get_list_widget", waiting)
    one, two = plain_fab.enter(app), plain_fab.enter(app)
    pages = _two_at_once(
        lambda: one.get("/plain-samples/list/?_flt_3_state=WAITING").get_data(as_text=True),
        lambda: two.get("/plain-samples/list/?_flt_3_state=HOLD").get_data(as_text=True),
    )
    assert _row_counts(pages, "plain-samples") in ([3, 3], [0, 0])


def test_ours_keeps_the_filters_of_two_requests_apart(
    screens: Flask, world: World, monkeypatch: Any
) -> None:
    meeting = threading.Barrier(2)
    read_search = ScopedListView.read_search

    def waiting(self: Any) -> Any:
        search = read_search(self)
        meeting.wait(10)
        return search

    monkeypatch.setattr(ScopedListView, "read_search", waiting)
    one, two = sign_in(screens, "collector-a"), sign_in(screens, "collector-a")
    pages = _two_at_once(
        lambda: one.get("/tested-samples/list/?state=WAITING").get_data(as_text=True),
        lambda: two.get("/tested-samples/list/?state=HOLD").get_data(as_text=True),
    )
    assert _row_counts(pages, "tested-samples") == [3, 0]


def _row_counts(pages: list[str], route: str) -> list[int]:
    return [len(set(re.findall(rf'href="/{route}/show/(\d+)', page))) for page in pages]


def test_plain_lets_a_row_be_written_into_another_site(plain: Plain, world: World) -> None:
    app, _, _ = plain
    row, other = world.samples["a"][0].id, world.sites["b"].id
    plain_fab.enter(app).post(f"/plain-samples/edit/{row}", data={"position": 1, "site": other})
    with db.session_factory() as session:
        assert session.get(Sample, row).site_id == other


def test_ours_refuses_a_row_written_into_another_site(
    screens: Flask, world: World, monkeypatch: Any
) -> None:
    row, other = world.samples["a"][0].id, world.sites["b"].id

    def move(self: Any, session: Any, actor: Any, item: Any, values: Any) -> None:
        item.site_id = other

    monkeypatch.setattr(TestedSamples, "correct_record", move)
    browser = sign_in(screens, "collector-a")
    sent = {"position": "1", "source": "typed", "csrf_token": token(browser)}
    assert browser.post(f"/tested-samples/edit/{row}", data=sent).status_code == 404
    with db.session_factory() as session:
        assert session.get(Sample, row).site_id == world.sites["a"].id


def test_plain_deletes_on_get(plain: Plain, world: World) -> None:
    app, _, _ = plain
    with db.session_factory() as session, session.begin():
        session.add(
            Campaign(
                code="X",
                name="X",
                disease="X",
                area_id=world.province.id,
                starts_on=world.campaign.starts_on,
            )
        )
    with db.session_factory() as session:
        key = session.scalars(sa.select(Campaign.id).where(Campaign.code == "X")).one()
        plain_fab.enter(app).get(f"/plain-campaigns/delete/{key}")
        assert session.scalars(sa.select(Campaign.id).where(Campaign.code == "X")).all() == []


def test_ours_deletes_only_on_post_with_a_token(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "coordinator")
    path = f"/tested-campaigns/delete/{world.campaign.id}"
    assert browser.get(path).status_code == 405
    assert browser.post(path).status_code == 400
    with db.session_factory() as session:
        assert session.get(Campaign, world.campaign.id) is not None


def test_plain_sessions_outlive_logout_and_password_change(plain: Plain) -> None:
    app, _, _ = plain
    browser = plain_fab.enter(app)
    copied = browser.get_cookie("session").value
    browser.get("/logout/")
    with app.app_context():
        manager = app.appbuilder.sm  # type: ignore[attr-defined]
        manager.reset_password(manager.find_user("plain").id, "another password 2")
    thief = app.test_client()
    thief.set_cookie("session", copied)
    assert thief.get("/plain-samples/list/").status_code == 200


@pytest.mark.parametrize("ending", ["logout", "password", "suspension"])
def test_ours_end_with_logout_password_change_and_suspension(
    screens: Flask, world: World, ending: str
) -> None:
    browser = sign_in(screens, "collector-a")
    thief = screens.test_client()
    thief.set_cookie("tram", browser.get_cookie("tram").value)
    assert thief.get("/tested-samples/list/").status_code == 200
    sent: dict[str, str] = {"csrf_token": token(browser)}
    if ending == "logout":
        browser.post("/logout/", data=sent)
    elif ending == "password":
        new = "một mật khẩu khác 9"
        changed = {"current": PASSWORD, "new": new, "again": new, **sent}
        assert browser.post("/password/", data=changed).status_code == 302
        assert browser.get("/").status_code == 200
    else:
        with db.session_factory() as session, session.begin():
            profile = session.merge(world.staff["collector-a"])
            profile.status, profile.session_version = "suspended", profile.session_version + 1
    assert thief.get("/tested-samples/list/").status_code == 302


def test_plain_shows_related_rows_that_no_filter_covers(plain: Plain, world: World) -> None:
    app, _, _ = plain
    tube = world.samples["a"][0].tube_id
    with db.session_factory() as session, session.begin():
        session.get(Sample, world.samples["b"][0].id).tube_id = tube
    page = plain_fab.enter(app).get(f"/plain-tubes/show/{tube}").get_data(as_text=True)
    assert page.count("portal.samples.models.Sample") == 4


def test_ours_shows_only_columns_that_are_named() -> None:
    needed = {"list_columns", "show_columns", "search_columns", "order_columns"}
    for missing in needed:
        given = {name: ["code"] for name in needed - {missing}}
        view = type(
            "Loose",
            (RecordView,),
            {"datamodel": SQLAInterface(Tube), "class_permission_name": "Loose", **given},
        )
        with pytest.raises(TypeError, match=missing):
            view()


def test_ours_refuses_a_list_of_rows_as_a_column(screens: Flask) -> None:
    columns = {
        "list_columns": ["samples"],
        "show_columns": ["code"],
        "search_columns": ["code"],
        "order_columns": ["code"],
    }
    view = type(
        "Wide",
        (RecordView,),
        {"datamodel": SQLAInterface(Tube), "class_permission_name": "Wide", **columns},
    )
    with screens.app_context(), pytest.raises(TypeError, match="list of rows"):
        view()


def test_plain_loads_whole_tables_into_the_page(plain: Plain) -> None:
    app, _, _ = plain
    page = plain_fab.enter(app).get("/plain-samples/list/").get_data(as_text=True)
    # A site outside the filter, in the list of the search form (which FAB writes as JSON).
    assert json.dumps("Điểm B").strip('"') in page


def test_ours_loads_no_table_into_the_page(screens: Flask, world: World) -> None:
    page = sign_in(screens, "coordinator").get("/tested-campaigns/add").get_data(as_text=True)
    assert "Đà Nẵng" not in page.split("<footer")[0]
    page = sign_in(screens, "collector-a").get("/tested-samples/list/").get_data(as_text=True)
    assert "Điểm B" not in page


def _add_samples(world: World, count: int) -> None:
    with db.session_factory() as session, session.begin():
        world.session = session
        tube = session.get_one(Tube, world.samples["a"][0].tube_id)
        for number in range(count):
            world.add_sample(tube, f"Lê Thị {number:02d}")


def test_plain_asks_the_database_for_every_row(plain: Plain, world: World) -> None:
    app, _, statements = plain
    browser = plain_fab.enter(app)
    counts = []
    for _ in range(2):
        statements.clear()
        browser.get("/plain-samples/list/")
        counts.append(len(statements))
        _add_samples(world, 20)
    assert counts[1] >= counts[0] + 20
    assert any("count(*)" in statement and "LIMIT" not in statement for statement in statements)


def test_ours_asks_as_often_for_many_rows_as_for_few(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    browser.get("/tested-samples/list/")
    told = []
    for _ in range(2):
        answer = browser.get("/tested-samples/list/")
        told.append(re.search(r'"(\d+) statements"', answer.headers["Server-Timing"])[1])
        _add_samples(world, 20)
    assert told == ["3", "3"]


def test_plain_lets_passwords_be_guessed_without_end(plain: Plain) -> None:
    app, _, _ = plain
    browser = app.test_client()
    for number in range(MAX_FAILURES_PER_ACCOUNT + 3):
        browser.post("/login/", data={"username": "plain", "password": f"guess {number}"})
    plain_fab.enter(app)


def test_ours_locks_the_account_and_says_until_when(screens: Flask, world: World) -> None:
    for username in ("collector-a", "nobody-at-all"):
        browser = screens.test_client()
        sent = {"username": username, "csrf_token": token_of(browser.get("/login/").text)}
        answers = [
            browser.post("/login/", data={**sent, "password": f"sai {number}"})
            for number in range(MAX_FAILURES_PER_ACCOUNT)
        ]
        assert [answer.status_code for answer in answers] == [403] * 4 + [429]
        last = browser.post("/login/", data={**sent, "password": PASSWORD})
        assert last.status_code == 429
        assert re.search(r"thử lại sau \d\d:\d\d", last.get_data(as_text=True))
        assert 0 < int(last.headers["Retry-After"]) <= 15 * 60


def test_plain_writes_to_the_database_when_it_starts(plain: Plain) -> None:
    _, _, statements = plain
    assert sum(statement.startswith("INSERT") for statement in statements) > 50


def test_ours_sends_no_statement_when_it_starts(config: Settings) -> None:
    sent: list[str] = []

    def record(*args: Any) -> None:
        sent.append(args[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", record)
    try:
        app = create_app(config)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", record)
    app.extensions["tram.engine"].dispose()
    assert sent == []


def test_plain_guards_no_answer_by_headers(plain: Plain) -> None:
    app, _, _ = plain
    headers = app.test_client().get("/login/").headers
    assert {"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"}.isdisjoint(
        dict(headers)
    )
