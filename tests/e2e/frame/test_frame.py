"""The frame in a real browser: no serious axe fault, no console error, fit for a phone."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from portal import db
from portal.samples.models import Tube
from tests.portal.web.world import PASSWORD, World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
SIZES = {"laptop": (1366, 768), "phone": (360, 740)}
PAGES = [
    "/",
    "/tested-samples/list/",
    "/tested-samples/list/?state=HOLD",
    "/tested-samples/show/1",
    "/tested-samples/edit/1",
    "/tested-samples/withdraw/1",
    "/tested-campaigns/add",
    "/jobs/",
    "/password/",
    "/no-such-page",
]


def _enter(page: Page, address: str, username: str = "coordinator") -> None:
    page.goto(f"{address}/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_contain_text("Xin chào")


@pytest.fixture(params=list(SIZES))
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    width, height = SIZES[request.param]
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
    yield context.new_page()
    context.close()


def _faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]


def test_no_page_has_a_serious_fault(page: Page, address: str, world: World) -> None:
    troubles: list[str] = []
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    page.goto(f"{address}/login/")
    faults = {"/login/": _faults(page)}
    _enter(page, address)
    for path in PAGES:
        page.goto(f"{address}{path}")
        faults[path] = _faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        if wide:
            faults[path].append("wider than the window")
    assert {path: found for path, found in faults.items() if found} == {}
    assert [text for text in troubles if "404" not in text] == []


def test_a_list_is_searched_and_paged_by_keyboard_alone(
    page: Page, address: str, world: World
) -> None:
    with db.session_factory() as session, session.begin():
        world.session = session
        tube = session.get_one(Tube, world.samples["a"][0].tube_id)
        for number in range(40):
            world.add_sample(tube, f"Hoàng Thị Ánh {number:02d}")
    _enter(page, address)
    page.goto(f"{address}/tested-samples/list/")
    page.locator("summary", has_text="Tìm kiếm").press("Enter")
    page.locator("[name='person.full_name']").fill("hoang thi anh")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("40 dòng")
    page.locator("a[rel=next]").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(15)
    assert "hoang" not in page.url


def test_a_related_row_is_found_as_one_types(page: Page, address: str, world: World) -> None:
    _enter(page, address)
    page.goto(f"{address}/tested-campaigns/add")
    page.fill("#code", "HAI")
    page.fill("#name", "Đợt hai")
    page.fill("#disease", "COVID-19")
    page.fill("#starts_on", "01/08/2026")
    page.locator("#area").press_sequentially("đà n")
    expect(page.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("button[type=submit]", has_text="Lưu").click()
    expect(page.locator("dl")).to_contain_text("01/08/2026")
    expect(page.locator("dl")).to_contain_text("Đà Nẵng")
