"""The door as it runs in production, under gunicorn, against clients that behave badly."""

import json
import random
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.ingest.models import EventOutcome, QuarantinedEvent
from portal.samples.models import Sample
from tests.benchmarks.ingest.serving import Server, free_port
from tests.portal.ingest.device import allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province
from tests.portal.ingest.speaking import request_bytes

ROOT = Path(__file__).resolve().parents[3]
BATCHES = "/ingest/v1/batches"
# What may be left of a surge in a process that answers thousands of requests; not a leak.
MOST_GROWTH = 24 << 20


@pytest.fixture
def device(config, session):
    place = make_province()
    allow_tubes(place)
    return enrol(place, config.secret_key)


_CONFIG = ("--config", "deploy/gunicorn_door.py")


def _environ(config, port: int, workers: int = 1) -> dict[str, str]:
    return {
        "TRAM_DATABASE_URL": config.database_url,
        "TRAM_JOURNAL_URL": config.journal_url,
        "TRAM_VAR_DIR": str(config.var_dir),
        "TRAM_SECRET_KEY": config.secret_key,
        "TRAM_INGEST_PORT": str(port),
        "TRAM_INGEST_WORKERS": str(workers),
    }


@pytest.fixture
def door(config, device, tmp_path):
    log = (tmp_path / "door.log").open("w+b")
    port = free_port()
    with Server(*_CONFIG, port=port, log=log, **_environ(config, port)) as server:
        yield server
        assert server.process.poll() is None
    log.seek(0)
    said = log.read().decode()
    log.close()
    assert "Traceback" not in said, said


def _memory(server: Server) -> int:
    """Bytes that the door's processes have in memory."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        fields = status.read_text(errors="replace").rpartition(")")[2].split()
        if int(fields[2]) == server.process.pid:
            total += int(fields[21]) * 4096
    return total


class _Line:
    """A kept-alive connection."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.file = self.socket.makefile("rb")

    def ask(self, method: str, path: str, *, body: bytes = b"", headers=()) -> tuple[int, dict]:
        self.socket.sendall(request_bytes(method, path, body=body, headers=headers))
        return self.read()

    def read(self) -> tuple[int, dict]:
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(self.file.read(length) or b"{}")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def _headers(device) -> dict[str, str]:
    return {"authorization": f"Bearer {device.token}", "content-type": "application/json"}


def _apply(config) -> None:
    journal = open_journal(config)
    worker = Applier(config, journal)
    assert worker.take_lease()
    while worker.step():
        pass
    worker.close()
    journal.close()


def _tube(device, number: int):
    code = tube_code(number)
    return device.batch(
        device.opened(code), device.collected(code, f"Người {number}"), device.sealed(code, 1)
    )


def test_schemathesis_runs_clean_on_the_openapi_file(door, device, tmp_path) -> None:
    found = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            str(ROOT / "docs" / "ingest-openapi.json"),
            "--url", f"http://127.0.0.1:{door.port}",
            "--header", f"Authorization: Bearer {device.token}",
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "60",
            "--seed", "6",
            "--generation-deterministic",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def test_a_connection_cut_in_any_phase_keeps_nothing_by_half(door, device, config) -> None:
    batch = _tube(device, 1)
    whole = request_bytes("POST", BATCHES, body=batch.body, headers=_headers(device))
    before = None
    for number in range(1500):
        line = _Line(door)
        line.socket.sendall(whole[: number % len(whole)])
        if number % 3 == 0:  # a reset instead of an end
            line.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
        line.close()
        if number == 300:
            before = _memory(door)
    journal = open_journal(config)
    assert journal.last_position() == 0
    line = _Line(door)
    assert line.ask("POST", BATCHES, body=batch.body, headers=_headers(device))[0] == 202
    line.close()
    # The client is gone before its answer: the batch is kept, and known when it comes again.
    line = _Line(door)
    line.socket.sendall(whole)
    line.close()
    deadline = time.monotonic() + 20
    while journal.last_position() < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert journal.last_position() == 2
    journal.close()
    assert _memory(door) - before < MOST_GROWTH


def test_malformed_bodies_leave_no_memory_behind(door, device) -> None:
    chance = random.Random(6)
    whole = _tube(device, 1).body
    line = _Line(door)
    before = None
    for number in range(10_000):
        body = bytearray(whole)
        kind = number % 3
        if kind == 0:
            body = body[: chance.randrange(len(body))]
        elif kind == 1:
            body = bytearray(chance.randbytes(chance.randrange(1, 400)))
        else:
            body = bytearray(b'{"events":' + b"[" * chance.randrange(5000))
        status, answer = line.ask("POST", BATCHES, body=bytes(body), headers=_headers(device))
        assert (status, answer["error"]["code"]) == (400, "bad_envelope")
        if number == 1000:
            before = _memory(door)
    line.close()
    assert _memory(door) - before < MOST_GROWTH


def test_a_device_that_sends_its_week_again_changes_nothing(door, device, config, session) -> None:
    batches = [_tube(device, number) for number in range(1, 301)]
    line = _Line(door)
    for batch in batches:
        assert line.ask("POST", BATCHES, body=batch.body, headers=_headers(device))[0] == 202
    _apply(config)
    session.rollback()
    first = session.execute(sa.select(EventOutcome.event_id, EventOutcome.status)).all()
    assert len(first) == 900
    again = batches * 2
    random.Random(7).shuffle(again)
    before = _memory(door)
    for batch in again:
        assert line.ask("POST", BATCHES, body=batch.body, headers=_headers(device))[0] == 202
    status, told = line.ask("GET", "/ingest/v1/outcomes?limit=1000", headers=_headers(device))
    line.close()
    assert status == 200
    assert {one["status"] for one in told["outcomes"]} == {"applied"}
    assert _memory(door) - before < MOST_GROWTH
    _apply(config)
    session.rollback()
    assert session.execute(sa.select(EventOutcome.event_id, EventOutcome.status)).all() == first
    assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 300


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59+07:00"])
def test_a_wrong_clock_is_told_and_changes_no_order(door, device, config, session, at) -> None:
    """The device's numbers decide the order; its clock is only shown."""
    code = tube_code(1)
    events = [device.opened(code), device.collected(code, "A"), device.sealed(code, 1)]
    events[1]["occurred_at"] = at
    batches = [device.batch(event) for event in events]
    line = _Line(door)
    for batch in reversed(batches):
        assert line.ask("POST", BATCHES, body=batch.body, headers=_headers(device))[0] == 202
    line.close()
    _apply(config)
    session.rollback()
    told = session.execute(
        sa.select(EventOutcome.status, EventOutcome.code).order_by(EventOutcome.id)
    ).all()
    assert [tuple(row) for row in told] == [
        ("applied", ""), ("applied", "outside_shift"), ("applied", ""),
    ]  # fmt: skip
    assert session.scalar(sa.select(sa.func.count()).select_from(QuarantinedEvent)) == 0


def test_connections_are_spread_over_the_workers_and_a_second_door_is_refused(
    config, device, tmp_path
) -> None:
    port = free_port()
    with Server(*_CONFIG, port=port, **_environ(config, port, workers=2)):
        workers = set()
        for _ in range(24):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                workers |= set(re.findall(r'worker="(\d+)"', answer.read().decode()))
        assert len(workers) == 2
        log = (tmp_path / "second.log").open("w+b")
        second = Server(*_CONFIG, port=port, log=log, **_environ(config, port))
        assert second.process.wait(60) == 1
        log.seek(0)
        assert f"port {port} is in use by another process" in log.read().decode()
        log.close()
