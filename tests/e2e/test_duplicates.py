"""The worklist of duplicates in a real browser: by keyboard alone, without a serious axe fault."""

import os
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal import clock, db
from portal.accounts import login
from portal.people.models import DuplicateCandidate, Person
from tests.portal.web import world as worlds
from tests.portal.web.world import PASSWORD, World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
WEIGHTS = [
    ["household", "same_phone_same_address", 9.1],
    ["family_name", "middle_name_missing", 2.2],
    ["dob", "same", 8.4],
    ["given_name", "another_name_by_marks", -4.5],
    ["calibration", "calibration", -1.2],
]

PHONE = {"width": 360, "height": 740}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def world(app: Flask) -> World:
    login.forget_logins()
    made = worlds.make(app)
    with app.app_context(), db.session_factory() as session, session.begin():
        people = list(session.scalars(sa.select(Person).order_by(Person.id)))
        people[0].full_name, people[0].phone = "Nguyễn Thị Hương Lan", "0912345671"
        people[1].full_name, people[1].phone = "Nguyễn Hương Lân", "0912345671"
        people[0].address = people[1].address = "12 Lê Lợi, Phường Hải Châu, Đà Nẵng"
        for left, right, bits in ((0, 1, 6.0), (1, 2, 4.0), (0, 3, 5.0)):
            session.add(
                DuplicateCandidate(
                    left_id=people[left].id,
                    right_id=people[right].id,
                    left_site_id=people[left].site_id,
                    right_site_id=people[right].site_id,
                    bits=bits,
                    score=0.97,
                    evidence={"prior": bits - 14.0, "weights": WEIGHTS},
                    created_at=clock.now(),
                )
            )
    return made


@pytest.fixture
def address(app: Flask, world: World) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=[(1366, 768), (360, 740)], ids=["laptop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
    yield context.new_page()
    context.close()


def _enter(page: Page, address: str, username: str) -> None:
    page.goto(f"{address}/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Xin chào")


def _look(page: Page, name: str) -> list[str]:
    """Serious axe faults of the page; keeps a picture where `TRAM_PICTURES` says so."""
    folder = os.environ.get("TRAM_PICTURES")
    if folder:
        width = page.viewport_size["width"]  # type: ignore[index]
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    faults = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:140]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        faults.append("wider than the window")
    return faults


def test_pairs_are_decided_and_taken_back_by_keyboard_alone(page: Page, address: str) -> None:
    _enter(page, address, "data-officer")
    page.goto(f"{address}/duplicates/")
    faults = {"pair": _look(page, "pair")}
    expect(page.locator("table.pair mark").first).to_be_visible()
    expect(page.locator("table.waterfall")).to_contain_text("dấu khác nên là tên khác")
    expect(page.locator(".piles .active .pile-count")).to_have_text("3")
    if page.viewport_size == PHONE:
        page.mouse.wheel(0, 10_000)
        expect(page.locator("table.waterfall .sum")).to_be_in_viewport()
        expect(page.locator("#answers button").first).to_be_in_viewport(ratio=1)
    page.keyboard.press("1")
    expect(page.locator(".alert-success")).to_contain_text("một người")
    expect(page.locator(".piles .active .pile-count")).to_have_text("2")
    page.keyboard.press("2")
    expect(page.locator(".alert-success")).to_contain_text("không hiện lại")
    page.keyboard.press("3")
    expect(page.locator(".empty")).to_be_visible()
    faults["empty"] = _look(page, "empty")
    for count in (1, 2, 3):
        page.keyboard.press("0")
        expect(page.locator(".piles .active .pile-count")).to_have_text(str(count))
    page.keyboard.press("1")
    expect(page.locator(".piles .active .pile-count")).to_have_text("2")
    for name, path in (
        ("person", "/people/show/1"),
        ("people", "/people/list/"),
        ("correct", "/people/edit/1"),
        ("decisions", "/pairs/list/"),
        ("decision", "/pairs/show/1"),
        ("policy", "/duplicates/policy/"),
    ):
        page.goto(f"{address}{path}")
        faults[name] = _look(page, name)
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_pair_that_somebody_else_decided_is_shown_again_with_a_sentence(
    page: Page, address: str, chromium: Browser
) -> None:
    _enter(page, address, "data-officer")
    page.goto(f"{address}/duplicates/?pair=1")
    other = chromium.new_context(locale="vi-VN")
    second = other.new_page()
    _enter(second, address, "coordinator")
    second.goto(f"{address}/duplicates/?pair=1")
    second.keyboard.press("2")
    expect(second.locator(".alert-success")).to_be_visible()
    other.close()
    page.keyboard.press("1")
    expect(page.locator(".alert-danger")).to_contain_text("người khác thay đổi")


def test_a_site_manager_sees_only_pairs_of_the_own_site(page: Page, address: str) -> None:
    _enter(page, address, "site-manager-a")
    page.goto(f"{address}/duplicates/")
    expect(page.locator(".piles .active .pile-count")).to_have_text("2")
    page.goto(f"{address}/duplicates/?pair=3")
    expect(page.locator("table.pair")).to_have_count(0)
    _enter_other = f"{address}/people/show/4"
    assert page.goto(_enter_other).status == 404  # type: ignore[union-attr]
