"""The rack at the bench by keyboard alone: what is typed lands in the well it was typed for."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from portal import settings
from portal.app import create_app
from portal.db import db_session
from portal.results.models import LabResult
from tests.portal.results.laboratory import Laboratory
from tests.portal.web.world import PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def served(sqlite_url: str, tmp_path) -> Iterator[tuple[Flask, str]]:
    """The portal on a thread of this process."""
    config = settings.load(
        {
            "TRAM_DATABASE_URL": sqlite_url,
            "TRAM_VAR_DIR": str(tmp_path / "var"),
            "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
        }
    )
    app = create_app(config)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield app, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    db_session.remove()
    app.extensions["tram.engine"].dispose()


def test_a_ct_stays_with_its_tube_and_the_rest_is_negative(chromium: Browser, served) -> None:
    app, url = served
    with app.app_context():
        web = Laboratory.make()
        for number in range(1, 6):
            web.tube(f"T{number}", f"Người {number}", planned_size=1)
        web.receive(*(f"T{number}" for number in range(1, 6)))
        db_session.remove()
    page = chromium.new_page()
    page.goto(f"{url}/login/")
    page.fill("#username", "kt")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda where: "/login" not in where)
    page.goto(f"{url}/laboratory/rack/")
    keys = page.keyboard
    for number in range(1, 6):
        keys.type(f"T{number}")
        keys.press("Enter")
        page.wait_for_selector(f'#count-tubes:text-is("{number}")')
    page.focus('.well[data-well="A1"]')
    keys.press("p")
    keys.type("24,5")
    keys.press("Enter")
    keys.press("i")
    keys.type("37")
    keys.press("ArrowDown")
    keys.press("v")
    keys.press("n")
    shown = [page.inner_text(f"#count-{name}") for name in ("positive", "negative", "other")]
    assert shown == ["1", "1", "2"]
    page.focus("#rest")
    keys.type("2")
    keys.press("Enter")
    assert page.inner_text("#count-unset") == "1", "a wrong count changes nothing"
    page.fill("#rest", "1")
    keys.press("Enter")
    assert page.inner_text("#count-unset") == "0"
    page.focus("#record")
    keys.press("Enter")
    page.wait_for_url("**/laboratory/runs/*")
    page.close()
    with app.app_context():
        rows = db_session.query(LabResult).order_by(LabResult.tube_code).all()
        found = {row.tube_code: (row.outcome, row.best_ct) for row in rows}
    assert found == {
        "T1": ("positive", 24.5),
        "T2": ("inconclusive", 37),
        "T3": ("invalid", None),
        "T4": ("negative", None),
        "T5": ("negative", None),
    }
