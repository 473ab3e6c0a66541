"""How fast the applier is while the door takes a nation's peak, all on the same cores.

The journal holds more than can be applied in the time, so that what is measured is the applier's
limit and not the door's rate; the door goes on taking one sample a request meanwhile.

Run: python -m tests.benchmarks.ingest.bench_sustained [sqlite|postgresql]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from portal import db, migrations, settings
from portal.cli._supervisor import die_with
from portal.ingest.journal import Arrival, open_journal
from portal.ingest.load_devices import enrol_for_load
from portal.ingest.models import Device
from portal.samples.models import Sample
from tests.benchmarks.ingest import bench_door, wire
from tests.benchmarks.ingest.serving import (
    ROOT,
    Server,
    cpu_seconds,
    free_port,
    measure_steady,
    memory_mib,
)
from tests.portal.ingest.province import make_province

SECONDS = float(os.environ.get("BENCH_SUSTAINED_SECONDS", "12"))
RATE, CONNECTIONS = 4500, 128
BACKLOG = int(os.environ.get("BENCH_BACKLOG", "150000"))


def _fill(config: settings.Settings, session_code: str) -> None:
    """Puts batches of fifty samples into the journal, as if the door had taken them."""
    made = enrol_for_load(config, session_code=session_code, count=20)
    senders = [wire.Sender(**device) for device in made]
    with db.session_factory() as session:
        ids = {str(uid): key for key, uid in session.execute(sa.select(Device.id, Device.uid))}
    journal = open_journal(config)
    arrivals = [
        Arrival(ids[sender.device_id], sender.seq, time.time_ns() // 1000, body)
        for sender, body in wire.batches(senders, BACKLOG, 50)
    ]
    for first in range(0, len(arrivals), 100):
        journal.append(arrivals[first : first + 100])
    journal.close()


def bench(url: str, folder: Path) -> None:
    """Prints what was applied and what was accepted in the same seconds."""
    migrations.upgrade(url)
    port = free_port()
    environ = bench_door.settings_for(url, folder, port)
    config = settings.load(environ)
    engine = db.bind(config)
    place = make_province()
    _fill(config, place.session_code)
    devices = enrol_for_load(config, session_code=place.session_code, count=CONNECTIONS)
    file = folder / "requests"
    made = wire.batches([wire.Sender(**d) for d in devices], int(SECONDS * RATE), 1, seed=2)
    wire.write(file, "/ingest/v1/batches", ((s.token, body) for s, body in made))
    count = sa.select(sa.func.count()).select_from(Sample)

    def applied() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(count) or 0)

    with Server("--config", "deploy/gunicorn_door.py", port=port, **environ) as server:
        applier = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "applier"],
            cwd=ROOT,
            env={**os.environ, **environ},
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509
        )
        try:
            while not applied():
                time.sleep(0.05)
            before, started = applied(), time.perf_counter()
            cpu, memory = cpu_seconds(applier.pid), memory_mib(applier.pid)
            door = measure_steady(server, file, rate=RATE, seconds=SECONDS, connections=CONNECTIONS)
            kept, seconds = applied() - before, time.perf_counter() - started
            cpu, memory = cpu_seconds(applier.pid) - cpu, memory_mib(applier.pid) - memory
        finally:
            applier.terminate()
            applier.wait(60)
    if before + kept >= BACKLOG:
        raise AssertionError("the backlog was too small to measure the applier")
    print(
        f"{engine.dialect.name:10} sustained: {kept / seconds:,.0f} samples/s applied ({kept:,} in "
        f"{seconds:.1f} s) while the door took {door.rate:,.0f} requests/s of one sample, "
        f"p50 {door.p50_ms:.1f} p99 {door.p99_ms:.1f} ms, {door.bad} refused; CPU of the door "
        f"{1e6 * door.cpu / max(door.good, 1):.0f} µs a request, of the applier "
        f"{1e6 * cpu / kept:.0f} µs a sample; the applier grew by {memory:.0f} MiB",
        flush=True,
    )
    db.db_session.remove()
    engine.dispose()


def main() -> None:
    """Both databases, or those named."""
    bench_door.on_each(sys.argv[1:] or ["sqlite", "postgresql"], bench)


if __name__ == "__main__":
    main()
