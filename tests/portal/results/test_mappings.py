"""The editor of analyser mappings: tried on a real file, versions kept, one laboratory's own."""

import io

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.datastructures import MultiDict

from portal.accounts import login
from portal.actors import system
from portal.db import db_session, transaction
from portal.errors import Conflict, Invalid, NotFound
from portal.replay import plates
from portal.results import importing, mappings, screens
from portal.results.mappings import Draft
from portal.results.models import AnalyserMapping
from tests.portal.results.laboratory import Laboratory
from tests.portal.web.world import sign_in, token_of

# An instrument of its own words: a usual header («Sample») holds something else, controls are told
# by a column, and there are lines above the table.
ODD = """Máy: Cycler 9;;;;;
Ngày chạy;23/11/2026;;;;
Chỗ;Sample;Nhãn;Loại;FAM Cq;HEX Cq;Đọc
A1;1;DNG2608010001;mẫu;NaN;25,1;sạch
A2;2;DNG2608010002;mẫu;24,5;26,0;có vi-rút
G12;3;x;chuẩn dương;22,0;25,0;có vi-rút
H12;4;y;chuẩn âm;NaN;25,5;sạch
""".encode()
USES = {"Chỗ": "well", "Nhãn": "code", "Loại": "control", "FAM Cq": "gene", "HEX Cq": "gene"}


def odd_form(**values: str) -> MultiDict[str, str]:
    form = MultiDict(
        {
            "name": "Cycler 9",
            "words_negative": "sạch",
            "words_positive": "có vi-rút",
            "positive_control": "chuẩn dương",
            "negative_control": "chuẩn âm",
            "internal_control": "IC",
            "cut_off": "38",
        }
        | values
    )
    for header in ("Chỗ", "Sample", "Nhãn", "Loại", "FAM Cq", "HEX Cq", "Đọc"):
        form.add("header", header)
        form.add("use", (USES | {"Đọc": "outcome"}).get(header, ""))
        form.add("gene", {"FAM Cq": "N", "HEX Cq": "IC"}.get(header, ""))
    return form


def save(laboratory: Laboratory, name: str = "Cycler 9", replaces: int | None = None) -> int:
    with transaction(laboratory.technician) as session:
        actor = laboratory.technician
        return mappings.save(
            session,
            actor,
            laboratory_id=laboratory.place.laboratory_id,
            name=name,
            columns=Draft.read(odd_form()).stored(),
            replaces=mappings.get_mapping(session, actor, replaces) if replaces else None,
        ).id


def test_a_saved_choice_reads_the_file_and_no_usual_header(laboratory: Laboratory) -> None:
    for number in (1, 2):
        laboratory.tube(f"DNG260801000{number}", f"Người {number}")
    laboratory.receive("DNG2608010001", "DNG2608010002")
    key = save(laboratory)
    with transaction(laboratory.technician) as session:
        report = importing.check_file(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            file_name="odd.csv",
            content=ODD,
            mapping=session.get_one(AnalyserMapping, key),
        )
    assert report.problems == []
    assert {r.code: r.outcome for r in report.readings} == {
        "DNG2608010001": "negative",
        "DNG2608010002": "positive",
    }
    assert report.readings[1].ct_values == {"N": 24.5, "IC": 26.0}
    assert (report.positive_control, report.negative_control) == ("passed", "passed")
    with transaction(laboratory.technician) as session, pytest.raises(Invalid) as refused:
        importing.check_file(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            file_name="odd.csv",
            content=ODD.replace("Nhãn".encode(), b"Code"),
            mapping=session.get_one(AnalyserMapping, key),
        )
    assert list(refused.value.details) == ["Nhãn"]


def test_the_columns_of_known_layouts_are_proposed() -> None:
    draft = Draft()
    content = plates.long_csv({"DNG2608010001": "negative"})
    mappings.lay_over(draft, content)
    uses = {column.use for column in draft.columns}
    assert {"code", "well", "target", "ct"} <= uses
    assert "gene" not in uses
    stored = draft.stored()
    assert stored["headers"]["well"] == "Well Position"
    odd = Draft()
    assert mappings.lay_over(odd, ODD, 3) == 3
    assert [column.gene for column in odd.columns if column.use == "gene"] == ["FAM", "HEX"]
    with pytest.raises(Invalid):
        mappings.lay_over(Draft(), ODD, 99)


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    form = odd_form(words_negative="sạch, có vi-rút", negative_control="Chuẩn dương", cut_off="x")
    form.setlist("use", ["", "", "outcome", "outcome", "gene", "gene", ""])
    form.setlist("gene", [""] * 7)
    with pytest.raises(Invalid) as refused:
        Draft.read(form).stored()
    assert len(refused.value.details) == 7


def test_a_change_is_a_new_version_and_retires_the_one_before(laboratory: Laboratory) -> None:
    first = save(laboratory)
    with pytest.raises(Conflict):
        save(laboratory)
    second = save(laboratory, replaces=first)
    with pytest.raises(Conflict):
        save(laboratory, replaces=first)
    here = laboratory.place.laboratory_id
    assert [(m.id, m.version) for m in screens.mappings(db_session(), here)] == [(second, 2)]
    assert [m.version for m in mappings.all_of(db_session(), here)] == [2, 1]
    with transaction(laboratory.technician) as session, pytest.raises(NotFound):
        mappings.save(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.site_id,
            name="Máy khác",
            columns={},
        )


def test_a_technician_makes_one_over_a_real_file(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        other = AnalyserMapping(laboratory_id=web.place.site_id, name="Của nơi khác", columns={})
        with transaction(system("test")) as session:
            session.add(other)
            session.flush()
            foreign = other.id
    browser = sign_in(app, "kt")
    path = "/laboratory/mappings/edit"
    form = {"csrf_token": token_of(browser.get(path).get_data(as_text=True))}
    looked = browser.post(
        path,
        data={**form, "step": "look", "header_line": "3", "file": (io.BytesIO(ODD), "odd.csv")},
    )
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200
    assert "DNG2608010001 · DNG2608010002" in page
    packed = page.split('name="packed" value="')[1].split('"')[0]
    filled = {key: values for key, values in odd_form().lists()} | form  # noqa: C416
    tried = {**filled, "packed": packed, "file_name": "odd.csv", "header_line": "3"}
    seen = browser.post(path, data={**tried, "step": "preview"})
    assert seen.status_code == 200
    assert "DNG2608010002" in seen.get_data(as_text=True).split("Sẽ đọc được")[1]
    wrong = browser.post(path, data={**tried, "cut_off": "x", "step": "preview"})
    assert wrong.status_code == 422
    assert "DNG2608010001 · DNG2608010002" in wrong.get_data(as_text=True)
    assert browser.post(path, data={**tried, "step": "save"}).status_code == 302
    with app.app_context():
        made = (
            db_session()
            .scalars(sa.select(AnalyserMapping).where(AnalyserMapping.name == "Cycler 9"))
            .one()
        )
        assert "DNG2608010001" not in str(made.columns)
        key = made.id
        db_session().rollback()
    assert "Cycler 9" in browser.get("/laboratory/mappings/").get_data(as_text=True)
    assert "Nhãn" in browser.get(f"{path}?copy={key}").get_data(as_text=True)
    assert browser.get(f"{path}?mapping={foreign}").status_code == 404
    retire = f"/laboratory/mappings/{foreign}/retire"
    assert browser.post(retire, data=form).status_code == 404
    assert browser.post(f"/laboratory/mappings/{key}/retire", data=form).status_code == 302
    assert sign_in(app, "dieuphoi").get(path).status_code == 403
