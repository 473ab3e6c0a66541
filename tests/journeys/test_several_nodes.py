"""Two machines on one PostgreSQL: what is begun on one is gone on with on the other."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import pytest
import requests

from portal import db
from portal.app import create_app
from portal.ingest.models import ApplierState
from tests.journeys.served import Senders, Served, check_applied_once, wait_for_samples
from tests.portal.ingest.device import allow_tubes, enrol
from tests.portal.ingest.province import make_province
from tests.portal.web import world as worlds

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Several machines need PostgreSQL."""
    return postgres_url


class Node(Served):
    """One machine: its own directory and ports, the database and the shared directory of all."""

    def __init__(self, config, name: str, shared: Path, *parts: str) -> None:
        own = dataclasses.replace(config, var_dir=config.var_dir / name)
        super().__init__(own, parts, TRAM_SHARED_DIR=str(shared))
        self.portal = f"http://127.0.0.1:{self.environ['TRAM_PORT']}"

    def wait_until_served(self) -> None:
        for _ in range(1200):
            try:
                if requests.get(f"{self.portal}/healthz", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise AssertionError("the portal did not answer")


class Browser(requests.Session):
    """Somebody with one cookie jar, whichever node the proxy sends them to."""

    def form(self, node: Node, address: str, token_from: str, **fields: str) -> requests.Response:
        page = self.get(node.portal + token_from, timeout=30)
        fields["csrf_token"] = worlds.token_of(page.text)
        return self.post(node.portal + address, fields, timeout=30, allow_redirects=False)

    def sign_in(self, node: Node, username: str, password: str = worlds.PASSWORD) -> int:
        fields = {"username": username, "password": password}
        return self.form(node, "/login/", "/login/", **fields).status_code


def _is_in(browser: Browser, node: Node) -> bool:
    answer = browser.get(f"{node.portal}/samples/list/", timeout=30, allow_redirects=False)
    assert answer.status_code in {200, 302}, answer.status_code
    return answer.status_code == 200


def test_two_nodes_are_one_system(config, session, tmp_path) -> None:
    app = create_app(config)
    worlds.make(app)
    shared = tmp_path / "shared"
    first = Node(config, "a", shared, "portal", "worker")
    second = Node(config, "b", shared, "portal")
    try:
        first.wait_until_served()
        second.wait_until_served()
        # Signed in on one, at work on the other.
        browser, elsewhere = Browser(), Browser()
        assert browser.sign_in(first, "coordinator") == 302
        assert _is_in(browser, second)
        assert _is_in(browser, first)
        # A file asked for on the second node, written by the first, fetched from either.
        answer = browser.form(
            second, "/samples/export", "/samples/list/", format="csv", purpose="statistics", q=""
        )
        assert answer.status_code == 302, answer.text[-2000:]
        link = None
        for _ in range(300):
            page = browser.get(f"{second.portal}/jobs/", timeout=30).text
            link = next((p.split('"')[0] for p in page.split('href="')[1:] if "/file" in p), None)
            if link:
                break
            time.sleep(0.2)
        assert link, "the file was not written"
        files = {browser.get(node.portal + link, timeout=30).content for node in (first, second)}
        assert len(files) == 1
        assert len(files.pop().splitlines()) == 7  # six samples below their head
        # Failures are counted over all nodes: five, then the door is shut on both.
        for node in (first, second, first, second, first):
            assert elsewhere.sign_in(node, "auditor", "not the password 1") != 302
        assert elsewhere.sign_in(second, "auditor") != 302
        # Signed out on one node: the cookie is worth nothing on the other, at once.
        copied = Browser()
        copied.cookies.update(browser.cookies)
        assert _is_in(copied, second)
        assert browser.form(first, "/logout/", "/samples/list/").status_code == 302
        assert not _is_in(copied, second)
    finally:
        db.db_session.remove()
        app.extensions["tram.engine"].dispose()
        for node in (first, second):
            assert node.stop() == 0


def test_the_spare_applier_takes_over_and_repeats_nothing(config, session, tmp_path) -> None:
    place = make_province()
    allow_tubes(place)
    devices = [enrol(place, config.secret_key, f"Máy {n}") for n in range(2)]
    shared = tmp_path / "shared"
    door = Node(config, "door", shared, "door")
    appliers = [Node(config, name, shared, "applier") for name in ("x", "y")]
    senders = Senders(devices, door.port)
    try:
        door.wait_until_open()
        senders.start(10)
        senders.join()
        wait_for_samples(session, senders.tube_count * 5)
        session.rollback()
        held_by = session.get(ApplierState, 1).holder.split("/")[1]
        holder = next(n for n in appliers if str(n.pid("applier")) == held_by)
        spare = next(n for n in appliers if n is not holder)
        # It hangs, as a machine whose disk stands still; then it comes back in the middle.
        os.kill(int(held_by), signal.SIGSTOP)
        senders.start(10)
        senders.join()
        wait_for_samples(session, senders.tube_count * 5)
        session.rollback()
        session.expire_all()
        assert session.get(ApplierState, 1).holder.split("/")[1] == str(spare.pid("applier"))
        os.kill(int(held_by), signal.SIGCONT)
        senders.start(10)
        senders.join()
        wait_for_samples(session, senders.tube_count * 5)
    finally:
        senders.stop()
        assert [node.stop() for node in (door, *appliers)] == [0, 0, 0]
    check_applied_once(session, devices, senders.tube_count)
