"""`tram run` and its supervisor are killed in the middle of a replay; the same command ends it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from portal import settings
from portal.replay import state as states
from portal.replay.plan import Figures
from portal.samples.models import Sample
from tests.journeys.served import ROOT, free_port

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.timeout(900)]
PEOPLE = 800


def _wait(is_done, process: subprocess.Popen, seconds: float = 240) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_done():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def _count(engine: sa.Engine, *those: sa.ColumnElement[bool]) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(Sample).where(*those)) or 0


def test_a_killed_run_is_finished_by_the_same_command(config: settings.Settings) -> None:
    command = [sys.executable, "-m", "portal.cli", "run", "--people", str(PEOPLE),
               "--stop-after-replay"]  # fmt: skip
    environ = {
        **os.environ,
        "TRAM_DATABASE_URL": config.database_url,
        "TRAM_VAR_DIR": str(config.var_dir),
        "TRAM_SECRET_KEY": config.secret_key,
        "TRAM_PORT": str(free_port()),
        "TRAM_INGEST_PORT": str(free_port()),
        "TRAM_LOOK_UP_PORT": str(free_port()),
        "TRAM_PORTAL_WORKERS": "1",
    }
    engine = sa.create_engine(config.database_url)
    run = subprocess.Popen(command, cwd=ROOT, env=environ)
    _wait(lambda: _count(engine) > 0, run)
    # First the supervisor: the run starts another and goes on.
    pids = config.var_dir / "serve.json"
    first = json.loads(pids.read_text())["serve"]
    os.kill(first, signal.SIGKILL)
    _wait(lambda: json.loads(pids.read_text())["serve"] != first, run)
    # Then the run itself: its parts end with it.
    run.kill()
    run.wait()
    before = _count(engine)
    again = subprocess.run(
        command, cwd=ROOT, env=environ, check=False, timeout=500, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert before <= _count(engine)
    state = states.load(config.var_dir)
    assert state is not None
    assert state.is_complete
    planned = Figures.of(PEOPLE)
    assert _count(engine, Sample.withdrawn_at.is_(None)) == planned.people + planned.resampled
    engine.dispose()
