"""How fast the applier makes samples true: fills a journal, then applies it, and counts rows.

Run by hand: python -m tests.benchmarks.ingest.bench_applier [people] [sqlite|postgresql]
"""

import cProfile
import gc
import os
import pstats
import random
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from portal import db, migrations, settings
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.samples.models import Sample
from tests import postgres
from tests.benchmarks.ingest.wire import card
from tests.portal.ingest.device import FakeDevice, allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province

POOL = 5
BATCH_TUBES = int(os.environ.get("BENCH_TUBES", "10"))


def fill(journal, devices: list[FakeDevice], people: int, batch_tubes: int) -> int:
    """Appends batches of `batch_tubes` tubes each, or of one event (0); how many events."""
    chance = random.Random(1)
    count = events = tube = 0
    while count < people:
        device = devices[tube % len(devices)]
        made = []
        for _ in range(max(batch_tubes, 1)):
            tube += 1
            code = tube_code(tube)
            made.append(device.opened(code))
            for place in range(POOL):
                event = device.collected(code)
                data = event["data"]
                del data["person"]
                data |= {"source": "cccd", "payload": card(chance), "position": place + 1}
                made.append(event)
            made.append(device.sealed(code, POOL))
            count += POOL
        events += len(made)
        parts = [made] if batch_tubes else [[event] for event in made]
        journal.append([device.batch(*part) for part in parts])
    return events


def measure(url: str, folder: Path, people: int) -> None:
    """Prints applied samples a second."""
    migrations.upgrade(url)
    config = settings.load(
        {
            "TRAM_DATABASE_URL": url,
            "TRAM_VAR_DIR": str(folder),
            "TRAM_SECRET_KEY": "a secret of the benchmark, long enough to be taken",
        }
    )
    engine = db.bind(config)
    place = make_province()
    allow_tubes(place)
    devices = [enrol(place, config.secret_key, f"Máy {n}") for n in range(20)]
    journal = open_journal(config)
    events = fill(journal, devices, people, BATCH_TUBES)
    applier = Applier(config, journal)
    applier.take_lease()
    backend = _Backend(engine)
    profile = cProfile.Profile(time.process_time) if os.environ.get("BENCH_PROFILE") else None
    cpu, started = time.process_time(), time.perf_counter()
    if profile:
        profile.enable()
    while applier.step():
        pass
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    seconds = time.perf_counter() - started
    used = time.process_time() - cpu
    server = backend.cpu_seconds()
    with engine.connect() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(Sample))
    print(
        f"{engine.dialect.name}: {kept} samples of {people}, {events} events in {seconds:.2f} s "
        f"= {kept / seconds:,.0f} samples/s; CPU a sample: {1e6 * used / kept:.0f} µs here"
        f" and {1e6 * server / kept:.0f} µs of the database's own process"
    )
    journal.close()
    db.db_session.remove()
    engine.dispose()


class _Backend:
    """The CPU time of PostgreSQL's process behind the applier's connection; none on SQLite."""

    def __init__(self, engine: sa.Engine) -> None:
        self._stat = None
        if engine.dialect.name == "postgresql":
            pid = db.db_session().scalar(sa.text("SELECT pg_backend_pid()"))
            db.db_session().rollback()
            self._stat = Path(f"/proc/{pid}/stat")
        self._before = self._ticks()

    def _ticks(self) -> int:
        if self._stat is None:
            return 0
        fields = self._stat.read_text(encoding="ascii").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def cpu_seconds(self) -> float:
        """User and system time since it was made."""
        return (self._ticks() - self._before) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Both databases, or the one named."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    kinds = sys.argv[2:] or ["sqlite", "postgresql"]
    gc.set_threshold(200_000, 20, 20)  # as `tram applier`
    with tempfile.TemporaryDirectory() as folder:
        if "sqlite" in kinds:
            measure(f"sqlite:///{folder}/tram.sqlite", Path(folder), people)
        if "postgresql" in kinds:
            with postgres.cluster() as address:
                measure(f"{address}/postgres", Path(folder), people)


if __name__ == "__main__":
    main()
