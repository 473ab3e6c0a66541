"""The station of rapid antigen tests in a real browser: label, person, clock, two readers."""

import itertools

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from portal import clock, db
from portal.campaigns.models import Campaign
from portal.replay.people import households, payload
from portal.results import kits
from portal.results.models import AntigenRead, KitLot
from portal.roles import Role
from portal.samples.models import Sample
from portal.sites.models import Site
from tests.e2e.conftest import SYSTEM, Running, sign_in
from tests.e2e.test_scanning import type_scan, until, wait_for
from tests.portal import builders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
_seeds = itertools.count(70)


@pytest.fixture(scope="module")
def rapid_code(running: Running) -> str:
    """The code of an open session of rapid tests, and a lot to test with."""
    engine = db.bind(running.config)
    session = db.db_session()
    site, campaign = (
        session.scalars(sa.select(Site)).one(),
        session.scalars(sa.select(Campaign)).one(),
    )
    sitting = builders.sitting(session, campaign, site, method="antigen", pool_size=1)
    with db.transaction(SYSTEM) as writing:
        kits.add_lot(
            writing, SYSTEM, kit_name="Kit thử A", lot_number="L1", expires_on=clock.today()
        )
    code = sitting.code
    db.db_session.remove()
    engine.dispose()
    return code


def open_rapid(context: BrowserContext, running: Running, role: Role, code: str) -> Page:
    page = sign_in(context, running, role)
    page.goto(f"{running.url}/scanning/")
    if not page.evaluate("localStorage.getItem('tram-device-token')"):
        with page.expect_navigation():
            page.locator("[data-enrol]").first.click()
    page.locator(f"form:has(input[value='{code}']) button.btn-primary").click()
    page.wait_for_selector("#station[data-ready=yes]")
    return page


def change_person(context: BrowserContext, running: Running, role: Role, code: str) -> Page:
    """Somebody else signs in at the same device; what it knows stays."""
    for page in context.pages:
        page.close()
    context.clear_cookies()
    return open_rapid(context, running, role, code)


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]


def test_a_test_is_taken_read_by_one_and_confirmed_by_another(context, running, rapid_code) -> None:
    context.clock.install()
    one, two = households(next(_seeds), 2, ["Phường Hải Châu"], 2026)
    labels = running.tube_codes[20:24]
    page = open_rapid(context, running, Role.SITE_MANAGER, rapid_code)  # enrols the device
    page = change_person(context, running, Role.COLLECTOR, rapid_code)
    message = page.locator("[data-message]")

    type_scan(page, payload(one, "cccd"))
    assert "is-refused" in message.get_attribute("class")
    type_scan(page, labels[0])
    type_scan(page, payload(one, "cccd"))
    type_scan(page, labels[1])
    type_scan(page, payload(two, "cccd"))
    assert page.inner_text("[data-today]") == "2"
    assert page.locator("[data-tests] li").count() == 2
    type_scan(page, labels[0])  # too early
    assert "Chưa đến giờ" in message.inner_text()
    assert serious(page) == []

    context.set_offline(True)
    context.clock.fast_forward("15:10")
    until(lambda: page.locator("li.is-due").count() == 2)
    type_scan(page, labels[0])
    assert page.locator("[data-reading]").get_attribute("open") is not None
    assert serious(page) == []
    type_scan(page, labels[1])  # a scan into the dialog is no reading
    assert page.locator("[data-reading]").get_attribute("open") is not None
    page.keyboard.press("n")
    context.clock.fast_forward(300)
    until(lambda: page.locator("li.is-wait").count() == 1)
    type_scan(page, labels[1])
    page.keyboard.press("p")
    context.clock.fast_forward(300)
    until(lambda: page.locator("li.is-wait").count() == 2)
    type_scan(page, labels[0])
    assert "người khác" in message.inner_text()
    assert int(page.inner_text("[data-waiting]")) > 0
    context.set_offline(False)
    context.clock.fast_forward(20_000)
    reads = sa.select(sa.func.count(AntigenRead.id))
    assert wait_for(reads, 2, running) == 2

    page = change_person(context, running, Role.SITE_MANAGER, rapid_code)
    assert page.inner_text("[data-today]") == "2"
    until(lambda: page.locator("li.is-confirm").count() == 2)
    type_scan(page, labels[0])
    page.keyboard.press("n")
    context.clock.fast_forward(300)
    type_scan(page, labels[1])
    page.keyboard.press("n")  # another outcome than the first: asked to look again
    context.clock.fast_forward(300)
    until(lambda: "bấm K" in page.inner_text("[data-reading-said]"))
    page.keyboard.press("p")
    context.clock.fast_forward(300)
    until(lambda: page.locator("li.is-pcr").count() == 1)
    type_scan(page, labels[1])
    type_scan(page, labels[2])  # the tube of the RT-PCR sample
    assert "RT-PCR" in page.inner_text("[data-message]")
    context.clock.fast_forward(5_000)
    linked = sa.select(sa.func.count(AntigenRead.id)).where(AntigenRead.pcr_sample_id.is_not(None))
    assert wait_for(linked, 1, running) == 1
    cleared = sa.select(sa.func.count(Sample.id)).where(Sample.state == "NEG_SINGLE")
    assert wait_for(cleared, 1, running) == 1
    until(lambda: page.inner_text("[data-waiting]") == "0")
    assert not page.is_visible("[data-refusals-box]")


def test_on_a_phone_the_station_fits_and_names_what_is_missing(
    chromium, running, rapid_code
) -> None:
    phone = chromium.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    page = open_rapid(phone, running, Role.SITE_MANAGER, rapid_code)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert serious(page) == []
    engine = db.make_engine(running.config.database_url)
    with engine.begin() as connection:
        connection.execute(sa.update(KitLot).values(withdrawn_at=clock.now()))
    page.reload()
    page.wait_for_selector("#station[data-ready=yes]")
    assert "Hôm nay không có lô" in page.inner_text("#station")
    type_scan(page, running.tube_codes[25])
    assert "is-refused" in page.locator("[data-message]").get_attribute("class")
    with engine.begin() as connection:
        connection.execute(sa.update(KitLot).values(withdrawn_at=None))
    engine.dispose()
    phone.close()
