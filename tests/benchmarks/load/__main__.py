"""`python -m tests.benchmarks.load`: an installation, a million samples in it, and the suites.

Makes a PostgreSQL with fsync and `deploy/postgresql.conf`, fills it, starts every part as `tram
serve` does, and runs the suites of `loadtests/` one after the other; each has limits that decide.
With `--database` a database that was filled before is used, so that only the suites take time.
"""

import argparse
import csv
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import requests
import sqlalchemy as sa

from portal import db, migrations, settings
from portal.app import create_app
from tests import postgres
from tests.benchmarks.ingest.bench_door import make_segments, recommended
from tests.benchmarks.load.flood import Flood
from tests.benchmarks.test_pages_at_a_million import FILL, SITES
from tests.journeys.served import ROOT, Served, free_port
from tests.portal.ingest.province import make_province
from tests.portal.web import world as worlds

SECRET = "a secret of the load tests, long enough"
# Suite → users; a collector is a table, so most users of most suites are tables.
SUITES = {
    "morning_rush": 120,
    "results_released": 120,
    "lookup_guessing": 100,
    "export_rush": 60,
    "overload": 60,
    "soak": 60,
}
DEVICES = 120
LOGINS = {
    "coordinator": "coordinator",
    "laboratory": "laboratory-technician-a",
    "exporter": "coordinator",
}


def fill(url: str, rows: int) -> None:
    """A province with `rows` samples, its staff, and one open session for the devices."""
    migrations.upgrade(url)
    config = settings.load({"TRAM_DATABASE_URL": url, "TRAM_SECRET_KEY": SECRET})
    app = create_app(config)
    world = worlds.make(app)
    place = make_province()
    with db.session_factory() as session, session.begin():
        session.merge(world.staff[LOGINS["laboratory"]]).site_id = place.laboratory_id
    engine = app.extensions["tram.engine"]
    values = {"area": world.province.id, "campaign": world.campaign.id, "sites": SITES}
    with engine.begin() as connection:
        for statement in FILL:
            connection.exec_driver_sql(statement.format(**values, samples=rows))
        for table in ("sites", "collection_sessions", "tubes", "people", "samples"):
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    db.db_session.remove()
    engine.dispose()


def memory(served: Served) -> dict[str, float]:
    """Resident memory of every part with all its processes, MiB."""
    found = {}
    for part in ("door", "look-up", "portal", "applier"):
        pids = [served.pid(part)]
        for pid in pids:
            path = Path(f"/proc/{pid}/task/{pid}/children")
            pids += map(int, path.read_text(encoding="ascii").split())
        kilobytes = 0
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            kilobytes += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        found[part] = kilobytes / 1024
    return found


def run(suite: str, url: str, seconds: int, rows: int, reports: Path) -> bool:
    """One suite on freshly started parts; prints its table. Whether it kept its limits."""
    with tempfile.TemporaryDirectory(prefix="tram-load-") as folder:
        loaded = settings.load(
            {"TRAM_DATABASE_URL": url, "TRAM_VAR_DIR": folder, "TRAM_SECRET_KEY": SECRET}
        )
        config = dataclasses.replace(loaded, var_dir=Path(folder))
        served = Served(
            config,
            ("door", "look-up", "portal", "applier", "worker"),
            TRAM_PORTAL_WORKERS="2",
            TRAM_LOOK_UP_PORT=str(free_port()),
        )
        try:
            served.wait_until_open()
            portal = f"http://127.0.0.1:{served.environ['TRAM_PORT']}"
            look_up = f"http://127.0.0.1:{served.environ['TRAM_LOOK_UP_PORT']}"
            for address in (f"{portal}/healthz", f"{look_up}/tra-cuu"):
                _wait_for(address)
            _wait_until_people_are_known(served)
            prepared = Path(folder) / "load.json"
            logins = [f"--login={role}={name}:{worlds.PASSWORD}" for role, name in LOGINS.items()]
            subprocess.run(
                [sys.executable, "-m", "portal.cli", "loadtest", "S1", str(prepared),
                 "--devices", str(DEVICES), *logins],
                cwd=ROOT, env=served.environ, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            before = memory(served)
            users = SUITES[suite]
            reports.mkdir(parents=True, exist_ok=True)
            is_flooded = suite == "overload"
            flood = Flood(prepared, served.port, seconds) if is_flooded else nullcontext()
            with flood:
                done = subprocess.run(
                    [sys.executable, "-m", "locust", "-f", f"loadtests/{suite}.py", "--headless",
                     "-u", str(users), "-r", "20", "-t", f"{seconds}s", "--only-summary",
                     "--stop-timeout", "10", "--html", str(reports / f"{suite}.html"),
                     "--csv", str(reports / suite),
                     # Who floods the door here is lighter than Locust.
                     *(("Curious", "Bench", "Room") if is_flooded else ())],
                    cwd=ROOT, check=False, capture_output=True, text=True,
                    env={**os.environ, "TRAM_LOAD": str(prepared), "TRAM_LOAD_PORTAL": portal,
                         "TRAM_LOAD_DOOR": f"http://127.0.0.1:{served.port}",
                         "TRAM_LOAD_LOOK_UP": look_up,
                         "TRAM_LOAD_ROWS": str(rows)},
                )  # fmt: skip
            after = memory(served)
            figures = requests.get(f"http://127.0.0.1:{served.port}/metrics", timeout=30).text
        finally:
            served.stop()
    print(f"\n## {suite}: {users} users, {seconds} s, exit code {done.returncode}\n")
    _print_table(reports / f"{suite}_stats.csv")
    for line in (done.stdout + done.stderr).splitlines():
        if line.startswith("LIMIT"):
            print(line)
    print("MiB before and after:", *(f"{p} {before[p]:.0f} → {after[p]:.0f};" for p in before))
    print(*re.findall(r"tram_applier_lag_seconds \d+", figures))
    if is_flooded:
        print(flood)
    return done.returncode == 0


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer")


def _wait_until_people_are_known(served: Served) -> None:
    """The applier reads everybody stored into its index first; that is no growth under load."""
    before, now = 0.0, memory(served)["applier"]
    while now > before + 1:
        time.sleep(5)
        before, now = now, memory(served)["applier"]


def _print_table(path: Path) -> None:
    print("| address | requests | failures | per second | p50 ms | p95 ms | p99 ms |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            print(
                f"| {row['Type']} {row['Name']} | {row['Request Count']} | {row['Failure Count']}"
                f" | {float(row['Requests/s']):.0f} | {row['50%']} | {row['95%']} | {row['99%']} |"
            )


def main() -> int:
    """The suites named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", default=list(SUITES), metavar="SUITE")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="one that was filled before")
    parser.add_argument("--reports", type=Path, default=ROOT / "var" / "load")
    asked = parser.parse_args()
    if asked.database:
        return _run_all(asked, asked.database)
    with postgres.server(durable=True, options=recommended()) as server:
        url = f"{server.url}/postgres"
        fill(url, asked.rows)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            make_segments(connection)
        engine.dispose()
        return _run_all(asked, url)


def _run_all(asked: argparse.Namespace, url: str) -> int:
    kept = [run(name, url, asked.seconds, asked.rows, asked.reports) for name in asked.suites]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
