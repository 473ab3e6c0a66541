"""Parts are killed while devices send: nothing acknowledged is lost, nothing is applied twice."""

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
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.campaigns.models import HourlyCount
from portal.ingest.models import EventOutcome
from portal.samples.models import Sample, Tube
from tests.portal.ingest.device import FakeDevice, allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]
TUBES_A_DEVICE = 25


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """`tram serve` as an administrator runs it, with its own ports and directory."""

    def __init__(self, config, parts: tuple[str, ...]) -> None:
        self.config = config
        self.port = _free_port()
        self.command = [sys.executable, "-m", "portal.cli", "serve"]
        for part in parts:
            self.command += ["--only", part]
        self.environ = {
            **os.environ,
            "TRAM_DATABASE_URL": config.database_url,
            "TRAM_VAR_DIR": str(config.var_dir),
            "TRAM_SECRET_KEY": config.secret_key,
            "TRAM_PORT": str(_free_port()),
            "TRAM_INGEST_PORT": str(self.port),
            "TRAM_PORTAL_WORKERS": "1",
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


def _send(device: FakeDevice, port: int, bodies: list[bytes], should_end: threading.Event) -> None:
    """Sends each batch until it is acknowledged, as a device must; every third is sent again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
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
            times -= status == 202
        time.sleep(0.05)
    connection.close()


def _tubes(device: FakeDevice, first: int) -> list[bytes]:
    bodies = []
    for number in range(first, first + TUBES_A_DEVICE):
        code = tube_code(number)
        people = [device.collected(code, f"Người {number} {n}") for n in range(5)]
        bodies.append(device.batch(device.opened(code), *people[:3]).body)
        bodies.append(device.batch(*people[3:], device.sealed(code, 5)).body)
    return bodies


def _wait_for_samples(session, count: int) -> None:
    for _ in range(600):
        session.rollback()
        if session.scalar(sa.select(sa.func.count()).select_from(Sample)) >= count:
            return
        time.sleep(0.1)


def test_killed_parts_lose_nothing_and_repeat_nothing(config, session) -> None:
    place = make_province()
    allow_tubes(place)
    devices = [enrol(place, config.secret_key, f"Máy {n}") for n in range(3)]
    # The portal is the slowest to start; once is enough to see it come back.
    parts = ("door", "applier", "portal") if config.is_sqlite else ("door", "applier")
    served = Served(config, parts)
    should_end = threading.Event()
    try:
        served.wait_until_open()
        senders = []
        for n, device in enumerate(devices):
            arguments = (device, served.port, _tubes(device, 1 + n * 1000), should_end)
            senders.append(threading.Thread(target=_send, args=arguments))
            senders[-1].start()
        killed = {}
        for part in (*parts, "applier", "door"):
            time.sleep(1.0)
            killed[part] = served.kill(part)
        for part, pid in killed.items():
            for _ in range(300):
                if served.pid(part) != pid:
                    break
                time.sleep(0.1)
            assert served.pid(part) != pid, f"{part} was not started again"
        time.sleep(0.5)
        served.process.kill()
        served.process.wait()
        time.sleep(0.5)
        served.start()
        for sender in senders:
            sender.join(120)
            assert not sender.is_alive()
        expected = 3 * TUBES_A_DEVICE * 5
        _wait_for_samples(session, expected)
        time.sleep(0.5)
    finally:
        should_end.set()
        assert served.stop() == 0
    session.rollback()
    results = sorted(code for device in devices for code in device.results)
    assert sorted(session.scalars(sa.select(Sample.result_code))) == results
    assert session.scalar(sa.select(sa.func.count()).select_from(Tube)) == 3 * TUBES_A_DEVICE
    assert set(session.scalars(sa.select(Tube.status))) == {"sealed"}
    assert set(session.scalars(sa.select(Tube.sample_count))) == {5}
    outcomes = session.execute(
        sa.select(EventOutcome.status, EventOutcome.code, sa.func.count()).group_by(
            EventOutcome.status, EventOutcome.code
        )
    ).all()
    assert [tuple(row) for row in outcomes] == [("applied", "", 3 * TUBES_A_DEVICE * 7)]
    counted = session.scalar(
        sa.select(sa.func.sum(HourlyCount.count)).where(HourlyCount.measure == "people_registered")
    )
    assert counted == expected
    assert session.scalar(sa.select(sa.func.count(sa.distinct(EventOutcome.event_id)))) == sum(
        row[2] for row in outcomes
    )


def test_a_second_supervisor_is_refused_and_the_first_stops_cleanly(config) -> None:
    served = Served(config, ("door",))
    try:
        served.wait_until_open()
        second = subprocess.run(
            served.command,
            cwd=ROOT,
            env=served.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "Another `tram serve`" in second.stderr
        door = served.pid("door")
    finally:
        assert served.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(door, 0)
