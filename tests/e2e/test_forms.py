"""A form outlives what happens around it: the session ends, the network goes, the back button."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from portal import db
from portal.feedback.models import FeedbackTicket
from portal.roles import Role
from tests.e2e.conftest import PASSWORD, Running, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TEXT = "Máy in ở bàn 2 không nhận lệnh"


def kept(running: Running) -> list[str]:
    engine = db.make_engine(running.config.database_url)
    with engine.connect() as connection:
        texts = list(connection.scalars(sa.select(FeedbackTicket.text)))
    engine.dispose()
    return texts


def sign_in_elsewhere(context: BrowserContext, page: Page, running: Running) -> None:
    with context.expect_page() as opened:
        page.click("[data-not-sent] a")
    other = opened.value
    other.fill("input[name=username]", running.logins[Role.COLLECTOR])
    other.fill("input[name=password]", PASSWORD)
    other.press("input[name=password]", "Enter")
    other.wait_for_url(lambda url: "/login" not in url)
    other.close()


def test_a_form_outlives_session_network_and_back_button(
    context: BrowserContext, running: Running
) -> None:
    page = sign_in(context, running, Role.COLLECTOR)
    page.click("footer a:has-text('Báo lỗi')")
    page.fill("#text", TEXT)

    context.set_offline(True)
    page.click("main .btn-primary")
    expect(page.locator("[data-not-sent] [data-why=no-network]")).to_be_visible()
    expect(page.locator("[data-not-sent] [data-why=signed-out]")).to_be_hidden()
    context.set_offline(False)

    context.clear_cookies()
    page.click("main .btn-primary")
    expect(page.locator("[data-not-sent] [data-why=signed-out]")).to_be_visible()
    expect(page.locator("#text")).to_have_value(TEXT)
    assert kept(running) == []

    sign_in_elsewhere(context, page, running)
    page.click("main .btn-primary")
    expect(page.locator(".alert-success")).to_be_visible()
    assert kept(running) == [TEXT]

    # The back button shows the form as it was left; an impatient double click sends it once.
    page.go_back()
    page.fill("#text", f"{TEXT}!")
    page.dblclick("main .btn-primary")
    expect(page.locator(".alert-success")).to_be_visible()
    assert kept(running) == [TEXT, f"{TEXT}!"]
