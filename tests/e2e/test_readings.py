"""Bulk reading of photos in a real browser: files and a ZIP chosen, outcomes, the worklist."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from portal.roles import Role
from tests.e2e.conftest import Running, sign_in
from tests.portal.readings.test_readings import photo, zip_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_photos_and_a_zip_end_in_the_worklist(
    context: BrowserContext, running: Running, tmp_path: Path
) -> None:
    rack, box = tmp_path / "giá.png", tmp_path / "phiếu.zip"
    rack.write_bytes(photo("DNG2608010000014"))
    box.write_bytes(zip_of({"a.png": photo("DNG2608010000022"), "b.png": photo()}))
    page = sign_in(context, running, Role.COORDINATOR)
    page.goto(f"{running.url}/photo-readings/")
    page.locator("#photos").set_input_files([rack, box])
    page.keyboard.press("Tab")
    page.locator("[data-readings] button").press("Enter")
    rows = page.locator("table tbody tr")
    expect(rows).to_have_count(3, timeout=60_000)
    said = " ".join(rows.all_inner_texts())
    for part in ("giá.png", "phiếu.zip / a.png", "phiếu.zip / b.png", "DNG2608010000022"):
        assert part in said
    page.screenshot(path=tmp_path / "readings.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    rows.first.locator("button").press("Enter")
    expect(rows).to_have_count(2)

    # What is no photo is refused in a sentence, and the page stays until it was seen.
    page.locator("#photos").set_input_files(
        [{"name": "hỏng.zip", "mimeType": "application/zip", "buffer": b"PK broken"}]
    )
    page.locator("[data-readings] button").press("Enter")
    page.wait_for_selector("[data-outcomes] .text-danger")
    assert "hỏng.zip" in page.locator("[data-outcomes]").inner_text()
