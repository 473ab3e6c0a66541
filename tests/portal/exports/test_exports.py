"""Exports of lists: asked for, worked off, fetched; in scope, of any length, harmless to open."""

import csv
import io
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastexcel import read_excel
from flask import Flask

from portal import clock, db, roles
from portal.exports import files
from portal.jobs import worker
from portal.jobs.models import Job
from portal.roles import Role
from tests.portal.web.world import World, sign_in, token


@pytest.fixture
def exporting(screens: Flask) -> Flask:
    roles.grant("TestedSamples", "can_export", Role.COLLECTOR, Role.COORDINATOR)
    return screens


def _fetch(app: Flask, username: str, file_format: str, path: str = "") -> bytes:
    browser = sign_in(app, username)
    asked = browser.post(
        f"/tested-samples/export{path}",
        data={"format": file_format, "csrf_token": token(browser)},
    )
    assert asked.status_code == 302
    assert _work(app)
    page = browser.get("/jobs/").get_data(as_text=True)
    found = re.search(r'href="(/jobs/[^"]+/file)"', page)
    assert found, page
    return browser.get(found[1]).data


def _work(app: Flask) -> bool:
    with app.app_context():
        return worker.run_once(app.config["TRAM"].var_dir)


def test_a_csv_holds_the_rows_of_the_site_and_no_others(exporting: Flask, world: World) -> None:
    text = _fetch(exporting, "collector-a", "csv").decode("utf-8-sig")
    head, *rows = list(csv.reader(io.StringIO(text)))
    assert head[1] == "Person Full Name"
    assert [row[1] for row in rows] == ["Nguyễn Văn a0", "Nguyễn Văn a1", "Nguyễn Văn a2"]
    assert {row[2] for row in rows} == {"Điểm A"}


def test_an_xlsx_holds_the_same(exporting: Flask, world: World) -> None:
    frame = read_excel(_fetch(exporting, "coordinator", "xlsx")).load_sheet(0).to_polars()
    assert frame.height == 6
    assert frame["Person Full Name"].to_list()[3:] == [f"Nguyễn Văn b{n}" for n in range(3)]


def test_the_filter_of_the_list_is_that_of_the_file(exporting: Flask, world: World) -> None:
    site = world.sites["b"].id
    text = _fetch(exporting, "coordinator", "csv", f"?site={site}").decode("utf-8-sig")
    assert "Nguyễn Văn b0" in text
    assert "Nguyễn Văn a0" not in text


def test_nobody_fetches_the_file_of_another(exporting: Flask, world: World) -> None:
    _fetch(exporting, "coordinator", "csv")
    with exporting.app_context():
        uid = db.session_factory().scalars(sa.select(Job.uid)).one()
    for username in ("collector-a", "department-admin"):
        assert sign_in(exporting, username).get(f"/jobs/{uid}/file").status_code == 404


def test_a_job_whose_worker_died_is_taken_up_again(exporting: Flask, world: World) -> None:
    browser = sign_in(exporting, "coordinator")
    sent = {"format": "csv", "csrf_token": token(browser)}
    browser.post("/tested-samples/export", data=sent)
    with exporting.app_context(), db.session_factory() as session, session.begin():
        job = session.scalars(sa.select(Job)).one()
        job.status, job.lease_until = "running", clock.now() - worker.services.LEASE
    assert _work(exporting)
    assert not _work(exporting)
    with exporting.app_context():
        assert db.session_factory().scalars(sa.select(Job.status)).one() == "done"


@pytest.mark.parametrize("text", ["=1+1", "+84901", "-1", "@SUM(A1)", "\tx"])
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    files.write_csv(tmp_path / "x.csv", ["a"], [[text]])
    written = (tmp_path / "x.csv").read_text(encoding="utf-8-sig")
    assert list(csv.reader(io.StringIO(written)))[1] == [f"'{text}"]
    files.write_xlsx(tmp_path / "x.xlsx", "x", ["a"], [[text]])
    assert read_excel(tmp_path / "x.xlsx").load_sheet(0).to_polars()["a"].to_list() == [text]
