"""Parts are killed while devices send: nothing acknowledged is lost, nothing is applied twice."""

import os
import subprocess
import threading
import time

import pytest

from tests.journeys.served import (
    ROOT,
    TUBES_A_DEVICE,
    Served,
    check_applied_once,
    send,
    tubes,
    wait_for_samples,
)
from tests.portal.ingest.device import allow_tubes, enrol
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


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
            arguments = (device, served.port, tubes(device, 1 + n * 1000), should_end)
            senders.append(threading.Thread(target=send, args=arguments))
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
        wait_for_samples(session, 3 * TUBES_A_DEVICE * 5)
        time.sleep(0.5)
    finally:
        should_end.set()
        assert served.stop() == 0
    check_applied_once(session, devices, 3 * TUBES_A_DEVICE)


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
