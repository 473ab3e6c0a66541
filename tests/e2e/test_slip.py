"""A signed slip is verified by the browser alone: the network is cut once the page is there."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

import core_rs
from portal.certificates import sealing, slips
from tests.e2e.conftest import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
NAME, BORN = "Đặng Thị Hồng Ánh", "2/9/1984"


def signed(key: bytes, url: str, key_id: int = slips.KEY_ID) -> str:
    slip = core_rs.SlipSigner(key, key_id).sign(
        kind="single",
        outcome="negative",
        sampled_at=1_785_892_320,
        released_at=1_785_921_120,
        code=core_rs.new_code(),
        full_name=NAME,
        birth_date="1984-09-02",
    )
    return f"{url}/r/{slip}".upper()


def ask(page: Page, name: str, born: str, slip: str | None = None) -> str:
    if slip is not None:
        page.fill("#slip", slip)
    page.fill("#full_name", name)
    page.fill("#born", born)
    page.press("#born", "Enter")
    answer = page.locator("[data-answer]:visible")
    expect(answer).to_have_count(1)
    return str(answer.get_attribute("data-answer"))


def test_a_slip_is_verified_without_a_network_and_says_why_not(
    context: BrowserContext, running: Running, tmp_path: Path
) -> None:
    assert slips.public_keys(running.config)
    path = sealing.folder(running.config) / f"slip-{slips.KEY_ID}.key"
    assert path.stat().st_mode & 0o077 == 0
    good = signed(path.read_bytes(), running.url)
    page = context.new_page()
    page.goto(good.replace(running.url.upper(), running.url))
    page.wait_for_load_state("networkidle")
    context.set_offline(True)

    assert ask(page, NAME, BORN) == "good"
    said = page.locator("[data-answer=good]").inner_text()
    assert "Âm tính" in said
    assert "Dương tính" not in said
    assert "08:12" in said
    assert ask(page, "dang thi  hong anh", "02/09/1984") == "good"
    assert ask(page, "Đặng Thị Hồng Anh Thư", BORN) == "person"
    assert ask(page, NAME, "3/9/1984") == "person"
    assert ask(page, NAME, "31/2/1984") == "asked"
    assert ask(page, "", BORN) == "asked"
    # A symbol of the outcome, of the signature; a missing one; other keys.
    head, slip = good.rsplit("/", 1)
    for at in (6, 100):
        changed = slip[:at] + ("1" if slip[at] == "0" else "0") + slip[at + 1 :]
        assert ask(page, NAME, BORN, f"{head}/{changed}") in {"signature", "form"}
    assert ask(page, NAME, BORN, good[:-1]) == "form"
    assert ask(page, NAME, BORN, signed(os.urandom(32), running.url)) == "signature"
    assert ask(page, NAME, BORN, signed(path.read_bytes(), running.url, 9)) == "key"
    assert ask(page, NAME, BORN, good.lower()) == "good"

    page.set_viewport_size({"width": 375, "height": 700})
    page.screenshot(path=tmp_path / "slip.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    # A browser without Ed25519 says so, and does not call the slip forged.
    page.evaluate(
        "() => { crypto.subtle.importKey = () => Promise.reject(new DOMException('no')); }"
    )
    assert ask(page, NAME, BORN) == "browser"
