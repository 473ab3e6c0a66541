"""`make bench-ingest`: plain FAB, a plain Flask route, and ours, in one run on both databases.

Accepted is what the load generator saw acknowledged, applied is counted in the tables afterwards.
For the plain doors the two are one; ours is measured as what the door takes with the applier off,
then as what the applier makes of a journal of its own, then both at once.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import sqlalchemy as sa

from tests.benchmarks.ingest import bench_applier, bench_door, bench_sustained, contenders, wire
from tests.benchmarks.ingest.serving import ROOT, Server, free_port, measure

SECONDS = bench_door.SECONDS
# More than they take in the time, so that no row comes twice.
ROWS = {1: 20_000, 50: 250_000, 500: 300_000}
APPLIED_PEOPLE = int(os.environ.get("BENCH_PEOPLE", "20000"))
_MODULE = "tests.benchmarks.ingest.contenders"


def _count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM bench_samples")).scalar_one())


def _login(port: int) -> str:
    body = {"username": "bench", "password": "benchmark-1", "provider": "db"}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/security/login",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(json.load(answer)["access_token"])


def plain(kind: str, url: str, folder: Path) -> None:
    """Plain FAB one row a request, then the plain Flask route with 1, 50 and 500 rows."""
    os.environ["BENCH_URL"] = url
    engine = contenders.make_engine()
    # In a process of its own, where the tables of the portal are not known.
    setup = f"import {_MODULE} as c; c.plain_fab(is_setup=True)"
    subprocess.run([sys.executable, "-c", setup], cwd=ROOT, check=True, timeout=120)
    file = folder / "requests"
    kept = 0
    for name, size in (("fab", 1), ("flask", 1), ("flask", 50), ("flask", 500)):
        is_fab = name == "fab"
        port = free_port()
        place = ("-w", "2", "-b", f"127.0.0.1:{port}", f"{_MODULE}:plain_{name}()")
        with Server(*place, port=port) as server:
            token = _login(port) if is_fab else contenders.TOKEN
            path = "/api/v1/samples/" if is_fab else "/samples"
            rows = wire.plain_rows(ROWS[size], size, is_list=not is_fab)
            wire.write(file, path, ((token, row) for row in rows))
            measured = measure(server, file, seconds=SECONDS, connections=16)
        before, kept = kept, _count(engine)
        if kept - before < measured.good * size:
            raise AssertionError(f"{measured.good} acknowledged, {kept - before} rows")
        said = "plain FAB" if is_fab else "plain Flask route"
        bench_door.tell(kind, said, size, measured, kept - before)
    engine.dispose()


def on(url: str, folder: Path) -> None:
    """All of them on one kind of database, each in a database of its own."""
    kind = sa.make_url(url).get_backend_name()
    urls = {
        name: _database(url, folder, name) for name in ("plain", "door", "applier", "sustained")
    }
    plain(kind, urls["plain"], folder)
    bench_door.bench(urls["door"], folder / "door", [1, 50, 500])
    bench_applier.measure(urls["applier"], folder / "applier", APPLIED_PEOPLE)
    bench_sustained.bench(urls["sustained"], folder / "sustained")


def _database(url: str, folder: Path, name: str) -> str:
    (folder / name).mkdir(exist_ok=True)
    if url.startswith("sqlite"):
        return f"sqlite:///{folder}/{name}/tram.sqlite"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return str(sa.make_url(url).set(database=name).render_as_string(hide_password=False))


def main() -> None:
    """Both databases, or those named."""
    bench_door.on_each(sys.argv[1:] or ["sqlite", "postgresql"], on)


if __name__ == "__main__":
    main()
