"""`make bench-ingest`: plain FAB, a plain Flask route, and ours, in one run on both databases.

Load by wrk on the same cores; accepted is what wrk saw acknowledged, kept is counted in the tables
afterwards. Ours is measured with the applier off, then the applier alone, as the limits are apart.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from flask_appbuilder import Model

from portal import db, migrations, settings
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.ingest.load_devices import enrol_for_load
from portal.samples.models import Sample
from tests import postgres
from tests.benchmarks.ingest import contenders
from tests.portal.ingest.province import make_province

SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
PORT = 18191
ROOT = Path(__file__).resolve().parents[3]
SECRET = "a secret of the benchmark, long enough to be taken"
_LUA = (Path(__file__).parent / "batches.lua").read_text(encoding="utf-8")


class Server:
    """A gunicorn on the benchmark's port."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--log-level", "warning", *arguments],
            cwd=ROOT, env={**os.environ, **environ},
        )  # fmt: skip
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)


def wrk(path: str, script: str, folder: Path, connections: int = 32) -> tuple[int, float, str]:
    """(acknowledged requests, a second, p99 as wrk prints it)"""
    file = folder / "load.lua"
    file.write_text(script, encoding="utf-8")
    out = subprocess.run(
        ["wrk", "-t", "2", "-c", str(connections), "-d", f"{SECONDS}s", "--latency", "-s",
         str(file), f"http://127.0.0.1:{PORT}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    done = re.search(r"(\d+) requests in ([\d.]+)s", out)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    worst = re.search(r"99%\s+(\S+)", out)
    if not done or not worst:
        raise RuntimeError(out)
    good = int(done.group(1)) - (int(bad.group(1)) if bad else 0)
    return good, good / float(done.group(2)), worst.group(1)


def tell(kind: str, name: str, size: int, measured: tuple[int, float, str], kept: int) -> None:
    """One line of the table."""
    good, rate, worst = measured
    print(
        f"{kind:10} {name:22} {size:3} a request: {rate * size:9,.0f} person-samples/s accepted, "
        f"p99 {worst}, {good * size:,} accepted, {kept:,} kept",
        flush=True,
    )


def _count(url: str, statement: str) -> int:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.text(statement)).scalar_one()
    engine.dispose()
    return int(found)


def plain(kind: str, url: str, folder: Path) -> None:
    """Plain FAB, then the plain Flask route with 1 and 50 rows."""
    engine = sa.create_engine(url)
    Model.metadata.create_all(engine)
    engine.dispose()
    os.environ.update(BENCH_URL=url, BENCH_SETUP="1")
    contenders.plain_fab()
    os.environ["BENCH_SETUP"] = "0"
    module = "tests.benchmarks.ingest.contenders"
    common = ("-w", "2", "-b", f"127.0.0.1:{PORT}")
    rows = "SELECT count(*) FROM bench_samples"
    with Server(*common, f"{module}:plain_fab()", BENCH_URL=url):
        login = json.dumps({"username": "bench", "password": "benchmark-1", "provider": "db"})
        asked = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/api/v1/security/login",
            login.encode(),
            {"Content-Type": "application/json"},
        )
        token = json.load(urllib.request.urlopen(asked))["access_token"]
        script = _LUA.replace("@MODE@", "fab").replace("@TOKENS@", f'{{"{token}"}}')
        measured = wrk("/api/v1/samples/", script.replace("@SIZE@", "1"), folder, 16)
    before = _count(url, rows)
    tell(kind, "plain FAB", 1, measured, before)
    for size in (1, 50):
        with Server(*common, f"{module}:plain_flask()", BENCH_URL=url):
            script = _LUA.replace("@MODE@", "flask").replace("@TOKENS@", '{"token"}')
            measured = wrk("/samples", script.replace("@SIZE@", str(size)), folder, 16)
        after = _count(url, rows)
        tell(kind, "plain Flask route", size, measured, after - before)
        before = after


def ours(kind: str, url: str, folder: Path) -> None:
    """The door with the applier off, then the applier on what the door took."""
    migrations.upgrade(url)
    environ = {
        "TRAM_DATABASE_URL": url,
        "TRAM_VAR_DIR": str(folder),
        "TRAM_SECRET_KEY": SECRET,
        "TRAM_INGEST_PORT": str(PORT),
    }
    config = settings.load(environ)
    engine = db.bind(config)
    place = make_province()
    accepted = 0
    for size in (1, 50):
        devices = enrol_for_load(config, session_code=place.session_code, count=2)
        tables = [
            f'{{id="{d["device_id"]}",token="{d["token"]}",grant="{d["actor_grant"]}",'
            f'session="{d["session_code"]}",prefix="{d["tube_prefix"]}"}}'
            for d in devices
        ]
        script = _LUA.replace("@MODE@", "ours").replace("@TOKENS@", "{" + ",".join(tables) + "}")
        journal = open_journal(config)
        before = journal.last_position()
        with Server("--config", "deploy/gunicorn_door.py", **environ):
            measured = wrk("/ingest/v1/batches", script.replace("@SIZE@", str(size)), folder)
        kept = journal.last_position() - before
        journal.close()
        tell(kind, "our door", size, measured, kept * size)
        accepted += kept * size
    journal = open_journal(config)
    applier = Applier(config, journal)
    applier.take_lease()
    limit = time.perf_counter() + 4 * SECONDS
    started = time.perf_counter()
    while time.perf_counter() < limit and applier.step():
        pass
    seconds = time.perf_counter() - started
    with engine.connect() as connection:
        applied = connection.scalar(sa.select(sa.func.count()).select_from(Sample)) or 0
    print(
        f"{kind:10} our applier: {applied / seconds:,.0f} person-samples/s applied "
        f"({applied:,} of {accepted:,} in {seconds:.1f} s)",
        flush=True,
    )
    journal.close()
    db.db_session.remove()
    engine.dispose()


def main() -> None:
    """Everything, on SQLite and then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain("sqlite", f"sqlite:///{folder}/plain.sqlite", folder)
        ours("sqlite", f"sqlite:///{folder}/tram.sqlite", folder)
        with postgres.cluster() as address:
            engine = sa.create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(sa.text("CREATE DATABASE plain"))
                connection.execute(sa.text("CREATE DATABASE tram"))
            engine.dispose()
            plain("postgresql", f"{address}/plain", folder)
            ours("postgresql", f"{address}/tram", folder)


if __name__ == "__main__":
    main()
