"""P3: signed certificates from a database into one ZIP, by the worker as it is, killed half way.

`python -m tests.benchmarks.certificates.from_database [PEOPLE] [--url URL] [--kill]`: PEOPLE
released results (100,000 if not said) in a database made for it, SQLite if no URL of an empty
PostgreSQL database is given. Prints seconds by the clock from the start of the worker to its end,
its processor time, and the most memory it held. With `--kill` it is ended by SIGKILL in the middle
and started again; what it had written by then must not be written twice.
"""

import argparse
import resource
import tempfile
import time
import zipfile
from pathlib import Path

import sqlalchemy as sa

from portal import clock, db, migrations, settings
from portal.actors import system
from portal.app import create_app
from portal.certificates import batch
from portal.certificates.queries import ResultFilter
from portal.jobs.models import Job
from tests.benchmarks.certificates.province import fill, worker
from tests.portal.certificates.world import World


def _job() -> tuple[int, str, str]:
    """(papers done, status, uid) of the one job there is."""
    with db.transaction(system("bench")) as session:
        row = session.execute(sa.select(Job.done_count, Job.status, Job.uid)).one()
    return row.done_count, row.status, str(row.uid)


def _free() -> None:
    """Ends the lease of the worker that was killed, as a minute of waiting would."""
    with db.transaction(system("bench")) as session:
        session.execute(sa.update(Job).values(lease_until=clock.now()))


def main() -> None:
    """Fills, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=int, nargs="?", default=100_000)
    parser.add_argument("--url", help="of an empty PostgreSQL database")
    parser.add_argument("--kill", action="store_true", help="end the worker half way")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.url or f"sqlite:///{folder}/tram.sqlite"
        environ = {
            "TRAM_DATABASE_URL": url,
            "TRAM_VAR_DIR": folder,
            "TRAM_SECRET_KEY": "a secret of the bench, long enough to be taken",
        }
        migrations.upgrade(url.replace("postgresql://", "postgresql+psycopg://", 1))
        config = settings.load(environ)
        app = create_app(config)
        with app.app_context():
            fill(World(db.db_session()), asked.people)
            with db.transaction(system("bench")) as session:
                batch.ask(session, system("bench"), ResultFilter())
            _run(environ, asked.people, is_killed=asked.kill)
            _done, status, uid = _job()
            path = Path(folder, "jobs", uid)
            with zipfile.ZipFile(path) as made:
                names = made.namelist()
            size = path.stat().st_size
            papers = len(set(names)) - 1
            print(f"{papers:,} papers, {size / 1e6:,.0f} MB, job {status}")
            assert (papers, len(names), status) == (asked.people, asked.people + 1, "done")


def _run(environ: dict[str, str], people: int, *, is_killed: bool) -> None:
    start, kept = time.perf_counter(), 0
    if is_killed:
        process = worker(environ)
        while (done := _job()[0]) < people // 2:
            assert process.poll() is None, "the worker ended by itself"
            time.sleep(0.2)
        process.kill()
        process.wait()
        kept = done
        _free()
        print(f"killed at {kept:,} papers after {time.perf_counter() - start:.1f} s")
    began = time.perf_counter()
    process = worker(environ)
    assert process.wait() == 0
    now, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{people:,} certificates, from the start of the worker: {now - start:.1f} s by the clock"
        f" ({now - began:.1f} s in the last process),"
        f" {used.ru_utime + used.ru_stime:.1f} s of processors,"
        f" at most {used.ru_maxrss / 1024:,.0f} MiB of memory",
        flush=True,
    )


if __name__ == "__main__":
    main()
