"""The server's clock is set a day ahead, then back, while devices send and the applier applies."""

import mmap
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal.ingest.models import ApplierState, EventOutcome
from tests.journeys.served import Senders, Served, check_applied_once, wait_for_samples
from tests.portal.ingest.device import allow_tubes, enrol
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
_COMPILER = shutil.which("cc")
_DAY = 24 * 3600


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[tuple[dict[str, str], Callable[[int], None]]]:
    """An environment whose processes share a clock, and what sets it ahead by seconds."""
    if _COMPILER is None:
        pytest.skip("a C compiler makes the clock that can be moved")
    library, shared = tmp_path / "clock.so", tmp_path / "clock"
    source = Path(__file__).with_name("moved_clock.c")
    subprocess.run([_COMPILER, "-shared", "-fPIC", "-o", library, source], check=True)
    shared.write_bytes(bytes(mmap.PAGESIZE))
    with shared.open("r+b") as file, mmap.mmap(file.fileno(), 0) as place:

        def set_ahead(seconds: int) -> None:
            place[:8] = struct.pack("=q", seconds)

        yield {"LD_PRELOAD": str(library), "TEST_CLOCK": str(shared)}, set_ahead


def test_a_clock_that_jumps_loses_nothing_and_stops_nothing(config, session, moved) -> None:
    environ, set_ahead = moved
    served = Served(config, ("door", "applier"), **environ)
    place = make_province()
    allow_tubes(place)
    senders = Senders([enrol(place, config.secret_key, f"Máy {n}") for n in range(2)], served.port)
    try:
        served.wait_until_open()
        for ahead in (0, _DAY, -2 * 3600, 40, -40, 0):
            senders.start(3)
            senders.wait_for(202, 4)
            set_ahead(ahead)  # while they send
            senders.join()
            wait_for_samples(session, senders.tube_count * 5)
        check_applied_once(session, senders.devices, senders.tube_count)
        # It was the same applier all the time, and it did see another clock.
        assert session.scalar(sa.select(ApplierState.fence)) == 1
        first, last = session.execute(
            sa.select(sa.func.min(EventOutcome.applied_at), sa.func.max(EventOutcome.applied_at))
        ).one()
        assert (last - first).total_seconds() > _DAY
    finally:
        senders.stop()
        assert served.stop() == 0
