"""The door's own limit, the applier off: batches of 1, 50 and 500 samples by a light client.

Run: python -m tests.benchmarks.ingest.bench_door [sqlite|postgresql] [sizes…]
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

from portal import db, migrations, settings
from portal.ingest.journal import open_journal
from portal.ingest.load_devices import enrol_for_load
from tests import postgres
from tests.benchmarks.ingest import wire
from tests.benchmarks.ingest.serving import (
    ROOT,
    Measured,
    Server,
    free_port,
    measure,
    measure_steady,
)
from tests.portal.ingest.province import make_province

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "64"))
# Single samples at this rate as well, whatever the answers do.
STEADY_RATE, STEADY_CONNECTIONS = 5000, 128
SEGMENTS_MIB = 1024
_SEGMENTS = """
SELECT count(pg_logical_emit_message(false, '', repeat('0', 1 << 20)))
FROM generate_series(1, :megabytes)
"""
SECRET = "a secret of the benchmark, long enough to be taken"
# Fewer than the door takes in the time: the rest are re-sends, which cost it the same.
PEOPLE = {1: 40_000, 50: 100_000, 500: 100_000}


def settings_for(url: str, folder: Path, port: int) -> dict[str, str]:
    """The environment of an installation."""
    return {
        "TRAM_DATABASE_URL": url,
        "TRAM_VAR_DIR": str(folder),
        "TRAM_SECRET_KEY": SECRET,
        "TRAM_INGEST_PORT": str(port),
    }


def senders(config: settings.Settings, session_code: str) -> list[wire.Sender]:
    """As many devices as connections."""
    count = max(CONNECTIONS, STEADY_CONNECTIONS)
    made = enrol_for_load(config, session_code=session_code, count=count)
    return [wire.Sender(**device) for device in made]


def bench(url: str, folder: Path, sizes: list[int]) -> list[tuple[int, Measured, int]]:
    """(samples a batch, what was measured, samples in the journal) for each size."""
    migrations.upgrade(url)
    port = free_port()
    environ = settings_for(url, folder, port)
    config = settings.load(environ)
    engine = db.bind(config)
    place = make_province()
    devices = senders(config, place.session_code)
    found = []
    for size in sizes:
        file = folder / "requests"
        made = wire.batches(devices, PEOPLE[size], size)
        wire.write(file, "/ingest/v1/batches", ((s.token, body) for s, body in made))
        journal = open_journal(config)
        before = journal.last_position()
        with Server("--config", "deploy/gunicorn_door.py", port=port, **environ) as server:
            measured = measure(server, file, seconds=SECONDS, connections=CONNECTIONS)
            kept = journal.last_position() - before
            steady = _measure_steady(server, file) if size == 1 else None
        kept_steadily = journal.last_position() - before - kept
        journal.close()
        if kept < measured.good or (steady and kept_steadily < steady.good):
            raise AssertionError(f"{measured.good} acknowledged, {kept} kept")
        found.append((size, measured, kept * size))
        tell(engine.dialect.name, "door", size, measured, kept * size)
        if steady:
            tell(engine.dialect.name, f"door at {STEADY_RATE}/s", size, steady, kept_steadily)
    db.db_session.remove()
    engine.dispose()
    return found


def _measure_steady(server: Server, file: Path) -> Measured:
    return measure_steady(
        server, file, rate=STEADY_RATE, seconds=SECONDS, connections=STEADY_CONNECTIONS
    )


def tell(kind: str, name: str, size: int, measured: Measured, kept: int) -> None:
    """One line of the table."""
    samples = measured.good * size
    print(
        f"{kind:10} {name:20} {size:3} a request: {measured.rate:7,.0f} requests/s = "
        f"{measured.rate * size:8,.0f} person-samples/s, p50 {measured.p50_ms:.1f} "
        f"p99 {measured.p99_ms:.1f} ms, {measured.bad} refused, "
        f"{1e6 * measured.cpu / max(samples, 1):.1f} µs CPU a sample, {samples:,} accepted, "
        f"{kept:,} kept",
        flush=True,
    )


def recommended() -> tuple[str, ...]:
    """The lines of `deploy/postgresql.conf`, as options of a server.

    `max_connections` is the tests' own; BENCH_POSTGRESQL=plain leaves all as PostgreSQL brings it.
    """
    if os.environ.get("BENCH_POSTGRESQL") == "plain":
        return ()
    text = (ROOT / "deploy" / "postgresql.conf").read_text(encoding="utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(
        line.replace(" = ", "=") for line in lines if line and not line.startswith("max_conn")
    )


def make_segments(connection: sa.Connection) -> None:
    """What that file says to do once before the first rush: a write-ahead log to use again."""
    if os.environ.get("BENCH_POSTGRESQL") != "plain":
        connection.execute(sa.text(_SEGMENTS), {"megabytes": SEGMENTS_MIB})
        connection.execute(sa.text("CHECKPOINT"))


def on_each(kinds: list[str], bench_one) -> None:
    """Calls with (url, folder) for each kind of database; a SIGTERM still cleans up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as name:
        if "sqlite" in kinds:
            (folder := Path(name) / "sqlite").mkdir()
            bench_one(f"sqlite:///{folder}/tram.sqlite", folder)
    with tempfile.TemporaryDirectory() as name:
        if "postgresql" in kinds:
            with postgres.cluster(durable=True, options=recommended()) as address:
                engine = sa.create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
                with engine.connect() as connection:
                    connection.execute(sa.text("CREATE DATABASE tram"))
                    make_segments(connection)
                engine.dispose()
                bench_one(f"{address}/tram", Path(name))


def main() -> None:
    """Both databases, or those named."""
    kinds = [word for word in sys.argv[1:] if not word.isdigit()] or ["sqlite", "postgresql"]
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()] or [1, 50, 500]
    on_each(kinds, lambda url, folder: bench(url, folder, sizes))


if __name__ == "__main__":
    main()
