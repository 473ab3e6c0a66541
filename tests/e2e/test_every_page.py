"""Every page a role can reach by links, after a real round: it opens, fits, and axe finds nothing.

`TRAM_SHOTS=folder pytest tests/e2e/test_every_page.py` also keeps a picture of every page.
"""

import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page

from portal import settings
from portal.replay import state as states
from portal.replay.plan import SMALLEST_ROUND
from portal.roles import Role
from tests.e2e.conftest import ROOT, _free_port, _wait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SIZES = {"laptop": (1366, 768), "phone": (360, 740)}
# Links that leave, download, or only sort and page a list that was already seen.
SKIPPED = re.compile(
    r"/(logout|lang|static)/|\.(pdf|zip|csv|xlsx|png|svg|json)$|/export|/template|/sheet$"
)
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Round:
    """A served installation with a small round in it."""

    url: str
    state: states.ReplayState


@pytest.fixture(scope="module")
def finished_round(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    """`tram run --stop-after-replay` and then `tram serve`, as a new user has them."""
    var_dir = tmp_path_factory.mktemp("round")
    port = _free_port()
    environ = {
        "TRAM_VAR_DIR": str(var_dir),
        "TRAM_PORT": str(port),
        "TRAM_INGEST_PORT": str(_free_port()),
        "TRAM_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    tram = [sys.executable, "-m", "portal.cli"]
    inherited = {**os.environ, **environ}
    filled = [*tram, "run", "--people", str(SMALLEST_ROUND), "--stop-after-replay"]
    subprocess.run(filled, cwd=ROOT, env=inherited, check=True)
    state = states.load(settings.load(environ).var_dir)
    assert state is not None
    served = subprocess.Popen([*tram, "serve"], cwd=ROOT, env=inherited)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield Round(f"http://127.0.0.1:{port}", state)
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)


def _pattern(path: str) -> str:
    """One address for all rows of a table: numbers and identifiers become a star."""
    plain = urlsplit(path).path
    return re.sub(r"/[^/]*\d[^/]*(?=/|$)", "/*", plain)


def _sign_in(page: Page, finished: Round, role: str) -> None:
    page.goto(f"{finished.url}/login/")
    page.fill("#username", finished.state.demo[role])
    page.fill("#password", finished.state.password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def _faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    faults = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        faults.append("wider than the window")
    return faults


def _links(page: Page, url: str) -> list[str]:
    addresses = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    whole = [urljoin(page.url, address) for address in addresses]
    return [link.partition("#")[0] for link in whole if link.startswith(url)]


def _picture(page: Page, who: str, pattern: str, size: str) -> None:
    folder = os.environ.get("TRAM_SHOTS")
    if folder:
        name = re.sub(r"[^\w*-]+", "_", f"{who}{pattern}").replace("*", "N")
        page.screenshot(path=Path(folder) / size / f"{name}.png")


def _walk(page: Page, finished: Round, who: str, starts: list[str], seen: set[str]) -> list[str]:
    """Opens every page not seen before that links lead to; says what is wrong with which."""
    wrong: list[str] = []
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    waiting = deque(finished.url + start for start in starts)
    passed: set[str] = set()
    while waiting:
        address = waiting.popleft()
        pattern = _pattern(address)
        # The home page of every role is its own.
        key = f"{who}/" if pattern == "/" else pattern
        if pattern in passed or SKIPPED.search(pattern) or (key in seen and pattern != "/"):
            continue
        passed.add(pattern)
        seen.add(key)
        troubles.clear()
        try:
            answer = page.goto(address)
        except Error as error:
            if "Download is starting" in error.message:
                continue
            raise
        if answer is None or answer.status >= 400:
            wrong.append(f"{who} {pattern}: {answer.status if answer else 'no answer'}")
            continue
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            wrong += [f"{who} {pattern} ({size}): {fault}" for fault in _faults(page)]
            _picture(page, who, pattern, size)
        wrong += [f"{who} {pattern}: console: {trouble}" for trouble in troubles]
        waiting.extend(_links(page, finished.url))
    return wrong


def test_every_page_of_every_role(chromium: Browser, finished_round: Round) -> None:
    seen: set[str] = set()
    wrong: list[str] = []
    for who in [PUBLIC, *Role]:
        context = chromium.new_context(locale="vi-VN", viewport={"width": 1366, "height": 768})
        page = context.new_page()
        if who == PUBLIC:
            starts = ["/cong-dan", "/login/"]
        else:
            _sign_in(page, finished_round, who)
            starts = ["/"]
        wrong += _walk(page, finished_round, who, starts, seen)
        context.close()
    print(len(seen), "pages seen")
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 60, sorted(seen)
