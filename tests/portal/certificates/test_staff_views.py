"""The auditor's room and the declarations of staff, through the real doors, both databases."""

import csv
import io
import re
import zipfile

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal import db
from portal.accounts import login
from portal.certificates.models import Certificate
from portal.declarations import importing
from portal.declarations.models import Declaration, DeclarationVersion
from portal.jobs import worker
from portal.jobs.models import Job
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


def test_the_auditor_sees_how_many_before_exporting_them_all(
    app: Flask, world: World, auditor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.certificates import batch

    monkeypatch.setattr(batch, "PART_SIZE", 2)
    _release(world, 5)
    world.sample(world.person())  # not released: not found
    world.session.commit()
    page = auditor.get("/result-papers/?kind=negative").get_data(as_text=True)
    assert page.count('target="_blank">') == 4  # the buttons of papers
    assert "Trần" not in page
    token = staff_worlds.token_of(page)
    answer = auditor.post("/result-papers/zip", data={"kind": "negative", "csrf_token": token})
    assert answer.status_code == 302
    with app.app_context():
        assert worker.run_once(app.config["TRAM"].var_dir)
        job = db.db_session().scalars(sa.select(Job)).one()
        assert (job.status, job.done_count, job.message) == ("done", 4, "")
        uid = str(job.uid)
    fetched = auditor.get(f"/jobs/{uid}/file")
    with zipfile.ZipFile(io.BytesIO(fetched.data)) as archive:
        assert archive.testzip() is None
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("index.csv"), "utf-8")))
        assert len(rows) == 4
        papers = [name for name in archive.namelist() if name.endswith(".pdf")]
        assert sorted(papers) == sorted(f"{row['certificate_code']}.pdf" for row in rows)
        assert all(archive.read(name).startswith(b"%PDF") for name in papers)


def test_a_name_that_no_font_can_show_stands_in_the_index_and_stops_nothing(
    app: Flask, world: World, auditor: FlaskClient
) -> None:
    _release(world, 2)
    sample = world.sample(world.person(full_name="สมชาย"))
    world.release(sample.tube, "negative")
    world.session.commit()
    token = staff_worlds.token_of(auditor.get("/result-papers/").get_data(as_text=True))
    auditor.post("/result-papers/zip", data={"csrf_token": token})
    with app.app_context():
        assert worker.run_once(app.config["TRAM"].var_dir)
        uid = str(db.db_session().scalars(sa.select(Job)).one().uid)
    fetched = auditor.get(f"/jobs/{uid}/file")
    with zipfile.ZipFile(io.BytesIO(fetched.data)) as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("index.csv"), "utf-8")))
        assert len(archive.namelist()) == 3
    assert [bool(row["problem"]) for row in rows] == [False, False, True]
    assert rows[2]["sample_code"] == sample.result_code
    assert "U+0E2A" in rows[2]["problem"]
    alone = auditor.post(f"/result-papers/{sample.id}.pdf", data={"csrf_token": token})
    assert alone.status_code == 422
    assert "hộ chiếu" in alone.get_data(as_text=True)


def test_an_export_taken_up_again_keeps_its_finished_parts(
    app: Flask, world: World, auditor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.certificates import batch

    monkeypatch.setattr(batch, "PART_SIZE", 2)
    _release(world, 5)
    token = staff_worlds.token_of(auditor.get("/result-papers/").get_data(as_text=True))
    auditor.post("/result-papers/zip", data={"csrf_token": token})
    written: list[str] = []
    write_part = batch._write_part

    def cut_off_in_the_second(path: object, *rest: object) -> None:
        if len(written) == 1:
            written.append("cut")
            raise RuntimeError("the worker dies here")
        write_part(path, *rest)  # type: ignore[arg-type]
        written.append(str(path))

    monkeypatch.setattr(batch, "_write_part", cut_off_in_the_second)
    var_dir = app.config["TRAM"].var_dir
    with app.app_context():
        worker.run_once(var_dir)
        session = db.db_session()
        job = session.scalars(sa.select(Job)).one()
        job.status = "queued"
        session.commit()
        worker.run_once(var_dir)
        session.expire_all()
        job = session.scalars(sa.select(Job)).one()
        assert job.status == "done"
        assert session.scalar(sa.select(sa.func.count()).select_from(Certificate)) == 5
    assert len(written) == len(set(written)) == 4  # three parts once each, and the cut


def test_one_paper_and_the_same_again_byte_for_byte(
    app: Flask, world: World, auditor: FlaskClient
) -> None:
    _release(world, 1)
    page = auditor.get("/result-papers/").get_data(as_text=True)
    token = staff_worlds.token_of(page)
    path = re.search(r'action="(/result-papers/\d+\.pdf)"', page)[1]
    first = auditor.post(path, data={"csrf_token": token})
    assert first.mimetype == "application/pdf"
    certificate_id = db.db_session().scalars(sa.select(Certificate.id)).one()
    again = auditor.post(f"/certificates/{certificate_id}.pdf", data={"csrf_token": token})
    assert again.data == first.data


def test_outsiders_and_other_roles_get_nothing(
    app: Flask, world: World, staff: staff_worlds.World
) -> None:
    _release(world, 1)
    collector = staff_worlds.sign_in(app, "collector-a")
    assert collector.get("/result-papers/").status_code == 403
    assert collector.get("/declarations/list/").status_code == 403
    manager = staff_worlds.sign_in(app, "site-manager-a")
    page = manager.get("/result-papers/")
    assert page.status_code == 200
    assert 'target="_blank">' not in page.get_data(as_text=True)  # another site's result
    assert app.test_client().get("/result-papers/").status_code == 302


FORM = {
    "full_name": "Nguyễn Thị Hồng Ánh",
    "birth": "02/09/1984",
    "sex": "female",
    "phone": "0905123456",
    "national_id": "048184000123",
    "address": "Tổ 12",
    "had_contact": "no",
}


def test_staff_take_correct_and_withdraw_a_declaration(
    app: Flask, staff: staff_worlds.World
) -> None:
    officer = staff_worlds.sign_in(app, "data-officer")
    page = officer.get("/declarations/add").get_data(as_text=True)
    token = staff_worlds.token_of(page)
    bad = officer.post("/declarations/add", data={**FORM, "birth": "x", "csrf_token": token})
    assert bad.status_code == 422
    answer = officer.post("/declarations/add", data={**FORM, "csrf_token": token})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    made = db.db_session().scalars(sa.select(Declaration)).one()
    shown = officer.get(f"/declarations/show/{made.id}").get_data(as_text=True)
    assert made.lookup_code in shown
    page = officer.get(f"/declarations/edit/{made.id}").get_data(as_text=True)
    assert 'value="02/09/1984"' in page
    corrected = {**FORM, "symptoms": ["fever"], "csrf_token": token}
    assert officer.post(f"/declarations/edit/{made.id}", data=corrected).status_code == 302
    officer.post(
        f"/declarations/withdraw/{made.id}", data={"reason": "Khai trùng", "csrf_token": token}
    )
    session = db.db_session()
    session.expire_all()
    made = session.scalars(sa.select(Declaration)).one()
    assert (made.status, made.risk, made.current_version) == ("withdrawn", "yellow", 2)
    assert session.scalar(sa.select(sa.func.count()).select_from(DeclarationVersion)) == 2


def test_a_new_code_is_given_at_the_desk(app: Flask, staff: staff_worlds.World) -> None:
    officer = staff_worlds.sign_in(app, "data-officer")
    token = staff_worlds.token_of(officer.get("/declarations/add").get_data(as_text=True))
    officer.post("/declarations/add", data={**FORM, "csrf_token": token})
    session = db.db_session()
    made = session.scalars(sa.select(Declaration)).one()
    old = made.lookup_code
    officer.post(f"/declarations/{made.id}/reissue", data={"csrf_token": token})
    session.expire_all()
    assert session.scalars(sa.select(Declaration.lookup_code)).one() != old


LIST = """Danh sách khai báo
TT;Họ tên;Năm sinh;Giới;CCCD;SĐT;Địa chỉ;Triệu chứng;Tiếp xúc
1;Nguyễn Thị Một;1984;Nữ;;0905123456;Tổ 1;không;không
2;Trần Văn Hai;31/12/1990;Nam;;;Tổ 2;sốt, ho;có
3;;32/13/1990;?;12;12;;ngứa;
"""


def test_a_list_is_imported_with_all_errors_at_once_and_only_once(
    app: Flask, staff: staff_worlds.World
) -> None:
    officer = staff_worlds.sign_in(app, "data-officer")
    page = officer.get("/declaration-imports/").get_data(as_text=True)
    token = staff_worlds.token_of(page)
    for _ in range(2):
        answer = officer.post(
            "/declaration-imports/",
            data={"file": (io.BytesIO(LIST.encode()), "to.csv"), "csrf_token": token},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 200
        assert "to-loi.csv" in answer.get_data(as_text=True)
    rows = (
        db.db_session()
        .execute(sa.select(Declaration.full_name, Declaration.risk).order_by(Declaration.id))
        .all()
    )
    assert [tuple(row) for row in rows] == [("Nguyễn Thị Một", "green"), ("Trần Văn Hai", "red")]


def test_the_template_passes_its_own_importer(app: Flask) -> None:
    from portal.actors import system

    with app.test_request_context():
        report = importing.import_declarations(
            db.db_session(),
            system("test"),
            file_name="mau.xlsx",
            content=importing.template(),
            province_name="không có",
        )
    # The example's commune is unknown in an empty tree; everything else passes.
    assert (report.row_count, report.error_count) == (1, 1)
