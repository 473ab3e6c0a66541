"""What breaks under a running installation: nothing acknowledged is lost, nothing comes twice."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal import db, migrations, settings
from portal.ingest.models import EventOutcome
from tests import nats, postgres
from tests.journeys.served import Senders, Served, check_applied_once, tubes, wait_for_samples
from tests.portal.ingest.device import allow_tubes, enrol
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
A_WEEK = 7


def _bound(url: str, var_dir: Path) -> settings.Settings:
    """Settings of an installation of the test's own, its database migrated and bound."""
    migrations.upgrade(url)
    config = settings.load(
        {
            "TRAM_DATABASE_URL": url,
            "TRAM_VAR_DIR": str(var_dir),
            "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
        }
    )
    db.bind(config)
    return config


def _devices(config: settings.Settings, count: int = 2) -> list:
    place = make_province()
    allow_tubes(place)
    return [enrol(place, config.secret_key, f"Máy {n}") for n in range(count)]


@contextlib.contextmanager
def _at_work(config, **environ: str) -> Iterator[tuple[Served, Senders]]:
    """Door and applier, and devices that send to them."""
    served = Served(config, ("door", "applier"), **environ)
    senders = Senders(_devices(config), served.port)
    try:
        served.wait_until_open()
        yield served, senders
    finally:
        senders.stop()
        assert served.stop() == 0
        db.db_session.remove()


def _finish(senders: Senders) -> None:
    senders.join()
    session = db.db_session()
    wait_for_samples(session, senders.tube_count * 5)
    check_applied_once(session, senders.devices, senders.tube_count)


def test_postgresql_is_killed_and_comes_back(tmp_path) -> None:
    with postgres.server(durable=True) as server:
        config = _bound(server.url + "/postgres", tmp_path / "var")
        with _at_work(config) as (_, senders):
            senders.start(15)
            senders.wait_for(202, 10)
            for _ in range(2):
                server.kill()
                senders.wait_for(503, 1)
                server.start()
                senders.wait_for(202, 5)
            # What this test itself had open is gone as well.
            db.session_factory.kw["bind"].dispose()
            _finish(senders)
        db.session_factory.kw["bind"].dispose()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system that can really be full."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    # Not below pytest's own folder, which other users may not enter.
    place = Path(tempfile.mkdtemp(prefix="tram-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
        place.rmdir()


def _fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 14))
    assert shutil.disk_usage(disk).free < 1 << 14


def test_a_full_disk_under_sqlite_is_a_polite_no_until_there_is_room(small_disk) -> None:
    config = _bound(f"sqlite:///{small_disk}/tram.sqlite", small_disk / "var")
    with _at_work(config) as (_, senders):
        senders.start(15)
        senders.wait_for(202, 10)
        _fill(small_disk)
        senders.wait_for(503, 3)
        (small_disk / "ballast").unlink()
        _finish(senders)
    db.session_factory.kw["bind"].dispose()


def test_a_full_disk_under_postgresql_is_a_polite_no_until_there_is_room(
    small_disk, tmp_path
) -> None:
    with postgres.server(durable=True, folder=small_disk / "pg") as server:
        config = _bound(server.url + "/postgres", tmp_path / "var")
        with _at_work(config) as (_, senders):
            senders.start(40)
            senders.wait_for(202, 10)
            _fill(small_disk)
            senders.wait_for(503, 2)
            (small_disk / "ballast").unlink()
            if not server.is_alive():  # it ends when its log can not grow; then as after a crash
                server.start()
            db.session_factory.kw["bind"].dispose()
            _finish(senders)
        db.session_factory.kw["bind"].dispose()


def test_a_full_disk_under_the_cluster_is_a_polite_no_until_there_is_room(
    small_disk, tmp_path
) -> None:
    config = _bound(f"sqlite:///{tmp_path}/tram.sqlite", tmp_path / "var")
    with (
        nats.cluster(small_disk / "nats") as cluster,
        _at_work(config, TRAM_JOURNAL_URL=cluster.url("tram")) as (_, senders),
    ):
        senders.start(40)
        senders.wait_for(202, 10)
        _fill(small_disk)
        senders.wait_for(503, 2)
        (small_disk / "ballast").unlink()
        # A node that could not write has closed its store until it is started again.
        for node in nats.NODES:
            cluster.kill(node)
            cluster.start(node)
        cluster.wait()
        _finish(senders)
    db.session_factory.kw["bind"].dispose()


def _cut(port: int, request: bytes, *, sent: int, waits_for: int) -> bytes:
    """Sends the first bytes of a request, reads the first bytes of the answer, and is gone."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        # A reset instead of an orderly end, as from a tower out of reach.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.sendall(request[:sent])
        return line.recv(waits_for) if waits_for else b""


def test_a_connection_cut_in_any_phase_costs_nothing_but_the_time(config, session) -> None:
    with _at_work(config) as (served, senders):
        device = senders.devices[0]
        bodies = tubes(device, 1, 6)
        for number, body in enumerate(bodies):
            head = (
                f"POST /ingest/v1/batches HTTP/1.1\r\nHost: tram\r\n"
                f"Authorization: Bearer {device.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            whole = head + body
            phases = (0, 1, 20, len(head) - 2, len(head), len(head) + 1, len(whole) - 1, len(whole))
            for sent in phases:
                _cut(served.port, whole, sent=sent, waits_for=0)
            # The answer is lost in its first line, in its headers, and after them.
            for waits_for in (1, 15 + number, 400):
                _cut(served.port, whole, sent=len(whole), waits_for=waits_for)
        senders.tube_count = 6
        senders.devices.pop()
        _finish(senders)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port)) as line:
            line.request("GET", "/metrics")
            assert "refused_500" not in line.getresponse().read().decode()


def test_a_device_that_sends_its_week_again_changes_nothing(config, session) -> None:
    with _at_work(config) as (served, senders):
        device = senders.devices[0]
        senders.devices.pop()
        week = tubes(device, 1, A_WEEK * 10)
        headers = {"Authorization": f"Bearer {device.token}", "Content-Type": "application/json"}
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        ) as line:
            for body in [*week, *week, *reversed(week)]:
                line.request("POST", "/ingest/v1/batches", body, headers)
                answer = line.getresponse()
                answer.read()
                assert answer.status == 202
        senders.tube_count = A_WEEK * 10
        _finish(senders)
        # Every event still has its one outcome.
        session.rollback()
        count = session.scalar(sa.select(sa.func.count()).select_from(EventOutcome))
        assert count == senders.tube_count * 7
