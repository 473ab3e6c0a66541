"""Print copies and session lists: through the real doors, sealed, resumed, counted before."""

import csv
import hashlib
import io
import re
import subprocess
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal import db
from portal.accounts import login
from portal.audit.models import AuditEvent
from portal.certificates import print_copies, sealing
from portal.certificates.models import Certificate
from portal.jobs import worker
from portal.jobs.models import Job
from reports.signing import check_signature
from tests.portal.certificates.world import AT, HOUR, World
from tests.portal.web import world as staff_worlds


@pytest.fixture
def staff(app: Flask) -> staff_worlds.World:
    login.forget_logins()
    return staff_worlds.make(app)


@pytest.fixture
def world(staff: staff_worlds.World) -> World:
    return World(db.db_session(), code_suffix="2")


@pytest.fixture
def auditor(app: Flask, staff: staff_worlds.World) -> FlaskClient:
    return staff_worlds.sign_in(app, "auditor")


def _release(world: World, count: int) -> None:
    for number in range(count):
        sample = world.sample(world.person(full_name=f"Trần Thị Mẫu {number}"))
        sample.collected_at = AT + number * HOUR
        world.release(sample.tube, "positive" if number == 0 else "negative")


def _text_of(pdf: bytes, path: Path) -> str:
    path.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return done.stdout.decode()


def _attached(pdf: bytes) -> list[dict[str, str]]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        content = document.attachments["danh-sach.csv"].get_file().read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode())))


def _check(app: Flask, pdf: bytes, papers: int) -> list[dict[str, str]]:
    found = check_signature(pdf, sealing.trusted(app.config["TRAM"]))
    assert found.problems == ()
    broken = bytearray(pdf)
    broken[len(pdf) // 2] ^= 1
    assert check_signature(bytes(broken), sealing.trusted(app.config["TRAM"])).problems
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.pages) == papers + 1
    rows = _attached(pdf)
    assert len(rows) == papers
    return rows


def test_a_small_copy_opens_in_one_step(
    app: Flask, world: World, auditor: FlaskClient, tmp_path: Path
) -> None:
    _release(world, 3)
    page = auditor.get("/result-papers/?kind=negative").get_data(as_text=True)
    token = staff_worlds.token_of(page)
    answer = auditor.post("/print-copies/", data={"kind": "negative", "csrf_token": token})
    assert answer.mimetype == "application/pdf"
    rows = _check(app, answer.data, 2)
    text = _text_of(answer.data, tmp_path / "copy.pdf")
    assert text.count("BẢN SAO") == 3  # the cover and both pages
    assert "Trần Thị Mẫu 1" in text
    assert "Trần Thị Mẫu 0" not in text
    done = subprocess.run(
        ["qpdf", "--check", tmp_path / "copy.pdf"], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    session = db.db_session()
    with app.app_context():
        for row in rows:
            one = session.scalars(
                sa.select(Certificate).where(Certificate.code == row["certificate_code"])
            ).one()
            paper = sealing.paper_of(one, app.config["TRAM"])
            assert hashlib.sha256(paper).hexdigest() == row["sha256"]
    # Fonts stand once, whatever the number of pages.
    with pikepdf.open(io.BytesIO(answer.data)) as document:
        files = {
            font.DescendantFonts[0].FontDescriptor.FontFile2.objgen
            for at in (1, 2)
            for font in document.pages[at].Resources.Font.values()
        }
        assert len(files) < 2 * len(document.pages[1].Resources.Font)
    events = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "print copy")).all()
    assert [event.row_count for event in events] == [2]


def test_chosen_ones_only(app: Flask, world: World, auditor: FlaskClient) -> None:
    _release(world, 3)
    page = auditor.get("/result-papers/").get_data(as_text=True)
    chosen = re.findall(r'name="sample" value="(\d+)"', page)[:1]
    token = staff_worlds.token_of(page)
    answer = auditor.post("/print-copies/", data={"sample": chosen, "csrf_token": token})
    _check(app, answer.data, 1)


def test_many_are_written_by_a_worker_that_may_die(
    app: Flask, world: World, auditor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(print_copies, "AT_ONCE", 1)
    monkeypatch.setattr(print_copies, "CHUNK", 2)
    _release(world, 5)
    token = staff_worlds.token_of(auditor.get("/result-papers/").get_data(as_text=True))
    asked = auditor.post("/print-copies/", data={"csrf_token": token})
    assert asked.headers["Location"].endswith("/jobs/")
    made: list[int] = []
    issue_many = print_copies.services.issue_many

    def cut_off(*args: object, **kwargs: object) -> object:
        ids = kwargs["sample_ids"]
        if len(made) == 2:
            made.append(-1)
            raise RuntimeError("the worker dies here")
        made.extend(ids)  # type: ignore[arg-type]
        return issue_many(*args, **kwargs)

    monkeypatch.setattr(print_copies.services, "issue_many", cut_off)
    var_dir = app.config["TRAM"].var_dir
    with app.app_context():
        worker.run_once(var_dir)
        session = db.db_session()
        job = session.scalars(sa.select(Job)).one()
        assert job.status == "failed"
        job.status = "queued"
        session.commit()
        uid = str(job.uid)
        path = var_dir / "jobs" / uid
        with path.open("ab") as file:
            file.write(b"half a page of a worker that was killed")
        worker.run_once(var_dir)
        session.expire_all()
        assert session.scalars(sa.select(Job.status)).one() == "done"
    papers = [key for key in made if key > 0]
    assert len(papers) == len(set(papers)) == 5
    fetched = auditor.get(f"/jobs/{uid}/file").data
    _check(app, fetched, 5)
    assert list((var_dir / "jobs").glob("*.state")) == []


def test_every_list_of_results_has_the_button_and_tells_the_number_first(
    app: Flask, world: World, auditor: FlaskClient
) -> None:
    _release(world, 3)
    listed = auditor.get("/samples/list/?state=NEG_SINGLE").get_data(as_text=True)
    link = re.search(r'href="(/print-copies/of-list[^"]+)"', listed)
    assert link
    page = auditor.get(link[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "2 kết quả" in page
    fields = dict(re.findall(r'name="(view|sealed)" value="([^"]*)"', page))
    token = staff_worlds.token_of(page)
    answer = auditor.post("/print-copies/", data={**fields, "csrf_token": token})
    _check(app, answer.data, 2)
    nothing = auditor.get("/print-copies/of-list?view=SampleView&state=UNRESOLVED")
    assert 'name="sealed"' not in nothing.get_data(as_text=True)
    for view in ("AuditView", "NoView", "DeclarationView"):
        assert auditor.get(f"/print-copies/of-list?view={view}").status_code == 404


def test_a_manager_copies_only_the_own_site(
    app: Flask, world: World, staff: staff_worlds.World
) -> None:
    _release(world, 2)
    manager = staff_worlds.sign_in(app, "site-manager-a")
    token = staff_worlds.token_of(manager.get("/result-papers/").get_data(as_text=True))
    answer = manager.post("/print-copies/", data={"csrf_token": token})
    assert answer.status_code == 302  # nothing found
    collector = staff_worlds.sign_in(app, "collector-a")
    assert collector.get("/print-copies/of-list?view=SampleView").status_code == 403


def test_the_list_of_a_session_is_official_and_complete(
    app: Flask, world: World, auditor: FlaskClient, tmp_path: Path
) -> None:
    _release(world, 2)
    waiting = world.sample(world.person(full_name="Lê Văn Chờ"))
    suspect = world.tube(sample_count=5)
    pooled = world.sample(world.person(full_name="Vũ Thị Gộp"), suspect)
    world.release(suspect, "positive", state="SUSPECT_POOL")
    withdrawn = world.sample(world.person(full_name="Hồ Thị Bỏ"))
    withdrawn.withdrawn_at = AT
    world.session.commit()
    address = f"/result-papers/?collection_session_id={world.sitting.id}"
    page = auditor.get(address).get_data(as_text=True)
    token = staff_worlds.token_of(page)
    sent = {"collection_session_id": world.sitting.id, "csrf_token": token}
    auditor.post("/print-copies/session-list", data={**sent, "number": "7/DS-TTYT"})
    with app.app_context():
        worker.run_once(app.config["TRAM"].var_dir)
        job = db.db_session().scalars(sa.select(Job)).one()
        assert (job.status, job.message) == ("done", "")
        uid = str(job.uid)
    pdf = auditor.get(f"/jobs/{uid}/file").data
    assert check_signature(pdf, sealing.trusted(app.config["TRAM"])).problems == ()
    text = " ".join(_text_of(pdf, tmp_path / "list.pdf").split())
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Số: 7/DS-TTYT",
        "Nơi nhận:", "Tổng cộng", "DƯƠNG TÍNH", "Cần lấy lại mẫu", "Chưa có kết quả",
        "Lê Văn Chờ", "Vũ Thị Gộp",
    ):  # fmt: skip
        assert words in text
    assert text.count("DƯƠNG TÍNH") == 1  # the suspect pool is not positive
    assert "Hồ Thị Bỏ" not in text
    assert waiting.id != pooled.id
    empty = auditor.post("/print-copies/session-list", data={"csrf_token": token})
    assert empty.status_code == 404
