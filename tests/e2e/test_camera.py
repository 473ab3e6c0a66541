"""A camera in place of the scanner: Chromium films a video in which a tube's label is held up, then
a person's card."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from PIL import Image
from playwright.sync_api import BrowserContext, Playwright, expect

from portal.replay.people import households, payload
from tests.e2e.conftest import ARGUMENTS, Running
from tests.e2e.test_scanning import STANDING, open_station, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SIZE = (1280, 720)
# At Chromium's 30 frames a second each is in view for two seconds, and the film begins again.
FRAMES = 60
PERSON = next(iter(households(31, 1, ["Phường Hải Châu"], 2026)))


def _held_up(text: str) -> bytes:
    """A JPEG of a code on a grey table, a little turned."""
    made = io.BytesIO()
    segno.make(text, error="m", micro=False).save(made, kind="png", scale=7, border=4)
    code = Image.open(made).convert("RGB").rotate(4, expand=True, fillcolor="white")
    frame = Image.new("RGB", SIZE, (150, 148, 140))
    frame.paste(code, ((SIZE[0] - code.width) // 2, (SIZE[1] - code.height) // 2))
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=85)
    return out.getvalue()


@pytest.fixture
def filming(driver: Playwright, running: Running, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser whose camera sees the film."""
    film = tmp_path / "film.mjpeg"
    texts = (running.tube_codes[30], payload(PERSON, "cccd"))
    film.write_bytes(b"".join(_held_up(text) * FRAMES for text in texts))
    chromium = driver.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[*ARGUMENTS, f"--use-file-for-fake-video-capture={film}"],
    )
    size = {"width": 1366, "height": 768}
    yield chromium.new_context(viewport=size, permissions=["camera"])
    chromium.close()


def test_a_tube_and_a_person_are_read_from_a_film(
    filming: BrowserContext, running: Running
) -> None:
    page = open_station(filming, running)
    before = wait_for(STANDING, -1, running, seconds=1)
    page.click("[data-camera]")
    expect(page.locator("[data-count]")).to_contain_text("1/", timeout=60_000)
    assert PERSON.full_name in page.inner_text("main")
    page.click("[data-camera]")
    expect(page.locator("video")).to_be_hidden()
    assert wait_for(STANDING, before + 1, running) == before + 1
