"""A short load run through the real doors: within its limits, and accepted is applied."""

import os
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from portal.ingest.models import EventOutcome
from portal.samples.models import Sample
from tests.journeys.served import ROOT, Served
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_a_short_rush_stays_within_its_limits_and_all_of_it_is_applied(config, session) -> None:
    place = make_province()
    served = Served(config, ("door", "applier"))
    try:
        served.wait_until_open()
        prepared = config.var_dir / "load.json"
        subprocess.run(
            [sys.executable, "-m", "portal.cli", "loadtest", place.session_code, str(prepared),
             "--devices", "6"],
            cwd=ROOT, env=served.environ, check=True,
        )  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-m", "locust", "-f", "loadtests/door_only.py", "--headless",
             "-u", "6", "-r", "6", "-t", "15s", "--only-summary"],
            cwd=ROOT,
            env={
                **os.environ,
                "TRAM_LOAD": str(prepared),
                "TRAM_LOAD_DOOR": f"http://127.0.0.1:{served.port}",
                "TRAM_LOAD_SLACK": "20",  # the tests share two cores with whatever else runs
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        count, before = 0, -1
        while count != before or not count:
            before = count
            time.sleep(1.0)
            session.rollback()
            count = session.scalar(sa.select(sa.func.count()).select_from(Sample))
    finally:
        served.stop()
    assert count >= 6 * 5
    statuses = session.execute(
        sa.select(EventOutcome.status, EventOutcome.code, sa.func.count()).group_by(
            EventOutcome.status, EventOutcome.code
        )
    ).all()
    assert [tuple(row) for row in statuses] == [("applied", "", count // 5 * 7)]
