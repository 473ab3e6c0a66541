"""Parts of Trạm as an administrator runs them, devices that send to them, and what must be true."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.campaigns.models import HourlyCount
from portal.ingest.models import EventOutcome
from portal.samples.models import Sample, Tube
from tests.portal.ingest.device import FakeDevice, tube_code

ROOT = Path(__file__).resolve().parents[2]
TUBES_A_DEVICE = 25


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """`tram serve` as an administrator runs it, with its own ports and directory."""

    def __init__(self, config, parts: tuple[str, ...], **environ: str) -> None:
        self.config = config
        self.port = free_port()
        self.command = [sys.executable, "-m", "portal.cli", "serve"]
        for part in parts:
            self.command += ["--only", part]
        self.environ = {
            **os.environ,
            "TRAM_DATABASE_URL": config.database_url,
            "TRAM_VAR_DIR": str(config.var_dir),
            "TRAM_SECRET_KEY": config.secret_key,
            "TRAM_PORT": str(free_port()),
            "TRAM_INGEST_PORT": str(self.port),
            "TRAM_PORTAL_WORKERS": "1",
            **environ,
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environ)

    def pid(self, part: str) -> int:
        return json.loads((self.config.var_dir / "serve.json").read_text())[part]

    def kill(self, part: str) -> int:
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_open(self) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.1)
        raise AssertionError("the door did not open")

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


def send(
    device: FakeDevice,
    port: int,
    bodies: list[bytes],
    should_end: threading.Event,
    statuses: Counter[int] | None = None,
) -> None:
    """Sends each batch until it is acknowledged, as a device must; every third is sent again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {device.token}", "Content-Type": "application/json"}
    for n, body in enumerate(bodies):
        status, times = 0, 2 if n % 3 == 0 else 1
        while times and not should_end.is_set():
            try:
                connection.request("POST", "/ingest/v1/batches", body, headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.1)
                continue
            assert status in {202, 429, 503}, status
            assert (status == 202) == (answer.headers["Retry-After"] is None)
            if statuses is not None:
                statuses[status] += 1
            times -= status == 202
        time.sleep(0.05)
    connection.close()


class Senders:
    """Devices that send at once, each in a thread of its own, `TUBES_A_DEVICE` tubes a wave."""

    def __init__(self, devices: list[FakeDevice], port: int) -> None:
        self.devices = devices
        self.statuses: Counter[int] = Counter()
        self.tube_count = 0
        self._port = port
        self._should_end = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, count: int = TUBES_A_DEVICE) -> None:
        """One more wave of every device."""
        for n, device in enumerate(self.devices):
            bodies = tubes(device, 1 + n * 1000 + self.tube_count // len(self.devices), count)
            arguments = (device, self._port, bodies, self._should_end, self.statuses)
            self._threads.append(threading.Thread(target=send, args=arguments))
            self._threads[-1].start()
        self.tube_count += count * len(self.devices)

    def wait_for(self, status: int, count: int, seconds: float = 120) -> None:
        """Until so many more answers of a status came than there were."""
        wanted, give_up_at = self.statuses[status] + count, time.monotonic() + seconds
        while self.statuses[status] < wanted:
            assert time.monotonic() < give_up_at, (status, self.statuses)
            time.sleep(0.05)

    def join(self, seconds: float = 120) -> None:
        """Until everything is acknowledged."""
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive()
        self._threads = []

    def stop(self) -> None:
        """Ends them, done or not."""
        self._should_end.set()


def tubes(device: FakeDevice, first: int, count: int = TUBES_A_DEVICE) -> list[bytes]:
    bodies = []
    for number in range(first, first + count):
        code = tube_code(number)
        people = [device.collected(code, f"Người {number} {n}") for n in range(5)]
        bodies.append(device.batch(device.opened(code), *people[:3]).body)
        bodies.append(device.batch(*people[3:], device.sealed(code, 5)).body)
    return bodies


def wait_for_samples(session, count: int) -> None:
    for _ in range(600):
        session.rollback()
        if session.scalar(sa.select(sa.func.count()).select_from(Sample)) >= count:
            return
        time.sleep(0.1)
    pytest.fail(f"not {count} samples after a minute")


def check_applied_once(session, devices: list[FakeDevice], tube_count: int) -> None:
    """What was sent in tubes of five is there, once, in every table and counter."""
    expected = tube_count * 5
    session.rollback()
    results = sorted(code for device in devices for code in device.results)
    assert sorted(session.scalars(sa.select(Sample.result_code))) == results
    assert session.scalar(sa.select(sa.func.count()).select_from(Tube)) == tube_count
    assert set(session.scalars(sa.select(Tube.status))) == {"sealed"}
    assert set(session.scalars(sa.select(Tube.sample_count))) == {5}
    outcomes = session.execute(
        sa.select(EventOutcome.status, EventOutcome.code, sa.func.count()).group_by(
            EventOutcome.status, EventOutcome.code
        )
    ).all()
    assert [tuple(row) for row in outcomes] == [("applied", "", tube_count * 7)]
    counted = session.scalar(
        sa.select(sa.func.sum(HourlyCount.count)).where(HourlyCount.measure == "people_registered")
    )
    assert counted == expected
    assert session.scalar(sa.select(sa.func.count(sa.distinct(EventOutcome.event_id)))) == sum(
        row[2] for row in outcomes
    )
