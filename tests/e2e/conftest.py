"""A whole Trạm under a real browser: door, portal, applier and worker as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from werkzeug.security import generate_password_hash

from portal import actors, clock, db, migrations, settings
from portal.accounts import services as accounts
from portal.roles import Role
from portal.samples import labels
from tests.portal import builders

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = actors.system("tests")
PASSWORD = "mat khau 2025 dai"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Running:
    """A served installation: its address, database settings, and a login for each role made."""

    url: str
    config: settings.Settings
    logins: dict[Role, str]
    session_code: str
    tube_codes: list[str]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serves a small world: one site, an open session of today, 60 labels, logins."""
    var_dir = tmp_path_factory.mktemp("served")
    port, door, look_up = _free_port(), _free_port(), _free_port()
    environ = {
        "TRAM_VAR_DIR": str(var_dir),
        "TRAM_PORT": str(port),
        "TRAM_INGEST_PORT": str(door),
        "TRAM_LOOK_UP_PORT": str(look_up),
        "TRAM_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
    }
    config = settings.load(environ)
    migrations.upgrade(config.database_url)
    engine = db.bind(config)
    logins, session_code, codes = _world()
    db.db_session.remove()
    engine.dispose()
    served = subprocess.Popen(
        [sys.executable, "-m", "portal.cli", "serve"], cwd=ROOT, env={**os.environ, **environ}
    )
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield Running(f"http://127.0.0.1:{port}", config, logins, session_code, codes)
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)


def _wait(url: str) -> None:
    for _try in range(1800):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def _world() -> tuple[dict[Role, str], str, list[str]]:
    session = db.db_session()
    site = builders.site(session, code="DN001", name="Điểm lấy mẫu Phường Hải Châu")
    sitting = builders.sitting(session, builders.campaign(session), site)
    logins = {}
    with db.transaction(SYSTEM):
        held = labels.issue(
            session, SYSTEM, site_id=site.id, letters="DNG", count=60, on=clock.today()
        )
        for role in Role:
            (profile,) = accounts.invite(
                session,
                SYSTEM,
                [accounts.Invitation("Nguyễn Thị Thử Nghiệm", "", role, site.id)],
            )
            accounts.record_training(
                session, SYSTEM, staff_ids=[profile.id], course="x", trained_on=clock.today()
            )
            profile.status, profile.must_change_password = "active", False
            profile.user.password = generate_password_hash(PASSWORD)
            logins[role] = profile.user.username
    return logins, sitting.code, list(labels.codes(held))


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright itself: a process has one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    """Headless Chromium, one for all browser tests of the process."""
    launched = driver.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
    yield launched
    launched.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile at the size of an ordinary PC."""
    fresh = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    yield fresh
    fresh.close()


def sign_in(context: BrowserContext, running: Running, role: Role):
    """A page signed in as a role."""
    page = context.new_page()
    page.goto(f"{running.url}/login/")
    page.fill("input[name=username]", running.logins[role])
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page
