"""The sampling station in a real browser: people into tubes without a mouse, none lost.

25 people in `make test`; 200 people in 40 tubes in `make proof`, where the keys alone
take four minutes.
"""

import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from portal import db
from portal.replay.people import households, payload
from portal.roles import Role
from portal.samples.models import Sample, Tube
from tests.e2e.conftest import Running, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
KEY_MS = 10


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits in Python: the page's own policy forbids what a waiting browser would evaluate."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to be in time"
        time.sleep(0.1)


def type_scan(page: Page, text: str) -> None:
    """A USB scanner: one key every ten milliseconds, then Enter."""
    page.keyboard.type(text, delay=KEY_MS)
    page.keyboard.press("Enter")


def open_station(context, running: Running) -> Page:
    manager = sign_in(context, running, Role.SITE_MANAGER)
    manager.goto(f"{running.url}/scanning/")
    with manager.expect_navigation():  # the page loads itself again once it has its token
        manager.click("[data-enrol]")
    assert manager.evaluate("localStorage.getItem('tram-device-token')")
    manager.goto(f"{running.url}/")
    context.clear_cookies()
    page = sign_in(context, running, Role.COLLECTOR)
    page.goto(f"{running.url}/scanning/")
    page.click("form button.btn-primary")
    page.wait_for_selector("#station[data-ready=yes]")
    return page


def wait_for(query: sa.Select, wanted: int, running: Running, seconds: float = 60) -> int:
    engine = db.make_engine(running.config.database_url)
    give_up_at = time.monotonic() + seconds
    try:
        while True:
            with engine.connect() as connection:
                found = connection.execute(query).scalar_one()
            if found == wanted or time.monotonic() > give_up_at:
                return found
            time.sleep(0.3)
    finally:
        engine.dispose()


STANDING = sa.select(sa.func.count(Sample.id)).where(Sample.withdrawn_at.is_(None))


@pytest.mark.parametrize(
    "count", [25, pytest.param(200, marks=pytest.mark.proof)], ids=["25", "200"]
)
def test_people_are_scanned_into_tubes_by_keyboard_alone(context, running, count: int) -> None:
    page = open_station(context, running)
    people = list(households(count, count, ["Phường Hải Châu"], 2026))
    standing, tubes = STANDING, sa.select(sa.func.count(Tube.id)).where(Tube.status == "sealed")
    people_before = wait_for(standing, 0, running, seconds=0)
    tubes_before = wait_for(tubes, 0, running, seconds=0)
    codes = running.tube_codes[:5] if count < 200 else running.tube_codes[5:45]
    sources = ("cccd", "personal_qr", "bhyt", "cccd")
    for number, person in enumerate(people):
        if number % 5 == 0:
            type_scan(page, codes[number // 5])
        type_scan(page, payload(person, sources[number % 4]))
        if number == 12:
            context.set_offline(True)
        if number == 18:
            assert int(page.inner_text("[data-waiting]")) > 0
            context.set_offline(False)
    assert page.inner_text("[data-today]") == str(count)
    page.click("[data-seal]")
    assert wait_for(standing, people_before + count, running) == people_before + count
    assert wait_for(tubes, tubes_before + count // 5, running) == tubes_before + count // 5
    until(lambda: page.inner_text("[data-waiting]") == "0")


def test_wrong_scans_are_refused_with_a_sentence_and_the_last_is_taken_back(
    context, running
) -> None:
    page = open_station(context, running)
    message = page.locator("[data-message]")
    one, two = households(4, 2, ["Phường Hải Châu"], 2026)
    type_scan(page, payload(one, "cccd"))
    assert "ống" in message.inner_text().lower()
    type_scan(page, running.tube_codes[50])
    type_scan(page, payload(one, "cccd"))
    type_scan(page, payload(one, "cccd"))
    assert "✕" in page.evaluate(
        "getComputedStyle(document.querySelector('[data-message]'),'::before').content"
    )
    type_scan(page, "MONG KHONG PHAI MA ONG")
    assert "is-refused" in (message.get_attribute("class") or "")
    page.keyboard.press("F2")
    page.fill("input[name=full_name]", two.full_name)
    page.fill("input[name=birth_date]", str(two.birth_on.year))
    page.keyboard.press("Enter")
    assert page.inner_text("[data-count]").startswith("2/")
    page.keyboard.press("F9")
    assert page.inner_text("[data-count]").startswith("1/")


def test_what_was_scanned_without_network_survives_a_closed_page(context, running) -> None:
    page = open_station(context, running)
    (person,) = households(5, 1, ["Phường Hải Châu"], 2026)
    type_scan(page, running.tube_codes[55])
    before = wait_for(STANDING, -1, running, seconds=3)
    page.route("**/ingest/v1/batches", lambda route: route.abort())
    type_scan(page, payload(person, "cccd"))
    until(lambda: page.inner_text("[data-waiting]") != "0")
    page.close()
    again = context.new_page()
    again.goto(f"{running.url}/scanning/station")
    again.wait_for_selector("#station[data-ready=yes]")
    assert wait_for(STANDING, before + 1, running) == before + 1
    assert again.inner_text("[data-count]").startswith("1/")
