"""A batch by real worker processes: one is killed in the middle, and everything is restarted."""

import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from portal import clock, db
from portal.actors import system
from portal.app import create_app
from portal.certificates import batch
from portal.certificates.queries import ResultFilter
from portal.jobs.models import Job
from portal.settings import Settings, load
from tests.benchmarks.certificates.province import fill, worker
from tests.portal.certificates.world import World

PEOPLE = batch.PART_SIZE + 60
SYSTEM = system("test")


@pytest.fixture
def environ(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "TRAM_DATABASE_URL": sqlite_url,
        "TRAM_VAR_DIR": str(tmp_path / "var"),
        "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
    }


@pytest.fixture
def config(environ: dict[str, str]) -> Iterator[Settings]:
    config = load(environ)
    app = create_app(config)
    with app.app_context():
        fill(World(db.db_session()), PEOPLE)
        yield config
    db.db_session.remove()
    app.extensions["tram.engine"].dispose()


def _ask(config: Settings) -> Path:
    """Asks for the ZIP of everything; where it will lie."""
    with db.transaction(SYSTEM) as session:
        return config.shared_dir / "jobs" / str(batch.ask(session, SYSTEM, ResultFilter()).uid)


def _wait(until: Callable[[], bool], process: "object") -> None:
    for _ in range(3000):
        if until():
            return
        assert process.poll() is None, "the worker ended by itself"  # type: ignore[attr-defined]
        time.sleep(0.02)
    raise AssertionError("the worker did not get so far")


@pytest.mark.timeout(300)
def test_a_batch_survives_kill_9_and_is_made_again_byte_for_byte_after_a_restart(
    config: Settings, environ: dict[str, str]
) -> None:
    path = _ask(config)
    parts = path.with_suffix(".parts")
    process = worker(environ)
    _wait(lambda: any(parts.glob("00000-*.zip")), process)
    process.kill()
    process.wait()
    assert not path.exists()
    [first] = parts.glob("00000-*.zip")
    written = first.stat().st_mtime_ns
    with db.transaction(SYSTEM) as session:  # what a minute of waiting would do
        session.execute(sa.update(Job).values(lease_until=clock.now()))

    process = worker(environ)
    _wait(lambda: path.exists() or any(parts.glob("00001-*.zip")), process)
    assert not first.exists() or first.stat().st_mtime_ns == written
    assert process.wait() == 0
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(set(archive.namelist())) == PEOPLE + 1
    made = path.read_bytes()

    again = _ask(config)
    assert worker(environ).wait() == 0
    assert again.read_bytes() == made
