"""Analyser files: three layouts, every problem before anything is saved, the same file back."""

import io

import openpyxl
import pytest
import sqlalchemy as sa

from portal.actors import system
from portal.db import db_session, transaction
from portal.errors import Conflict, Invalid, NotFound
from portal.replay import plates
from portal.results import importing, services
from portal.results.models import AnalyserMapping, LabResult, LabRun
from tests.portal.results.laboratory import Laboratory

TUBES = {"DNG2608010001": "negative", "DNG2608010002": "positive", "DNG2608010003": "negative"}


@pytest.fixture
def received(laboratory: Laboratory) -> Laboratory:
    """A laboratory that has received the tubes."""
    for number, code in enumerate(TUBES):
        laboratory.tube(code, f"An {number}", f"Bình {number}")
    laboratory.receive(*TUBES)
    return laboratory


def _import(laboratory: Laboratory, content: bytes, mapping=None, name="plate.csv"):
    with transaction(laboratory.technician) as session:
        return importing.import_run(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            file_name=name,
            content=content,
            mapping=mapping,
        )


def _mapping(laboratory: Laboratory, columns: dict) -> AnalyserMapping:
    with transaction(system("test")) as session:
        mapping = AnalyserMapping(
            laboratory_id=laboratory.place.laboratory_id, name="Cycler", columns=columns
        )
        session.add(mapping)
    return mapping


def _stored() -> dict[str, str]:
    rows = db_session.execute(sa.select(LabResult.tube_code, LabResult.outcome))
    return {code: outcome for code, outcome in rows}  # noqa: C416


@pytest.mark.parametrize("layout", ["long", "wide", "semicolon"])
def test_each_layout_becomes_a_run_that_can_be_released(received: Laboratory, layout: str) -> None:
    mapping = None
    if layout == "semicolon":
        mapping = _mapping(received, plates.SEMICOLON_MAPPING)
    content = {
        "long": plates.long_csv,
        "wide": plates.wide_workbook,
        "semicolon": plates.semicolon_csv,
    }[layout](TUBES)
    report = _import(received, content, mapping)
    assert report.problems == []
    assert (report.positive_control, report.negative_control) == ("passed", "passed")
    assert _stored() == TUBES
    positive = db_session.scalars(sa.select(LabResult).where(LabResult.outcome == "positive")).one()
    assert positive.best_ct == pytest.approx(
        {"long": 24.113, "wide": 24.5, "semicolon": 31.75}[layout]
    )
    assert positive.well
    received.release(report.run_id)
    states = received.states()
    assert states["DNG2608010001:An 0"] == "NEG_BY_POOL"
    assert states["DNG2608010002:An 1"] == "RETEST_DUE"


def test_a_file_comes_back_with_every_error_and_nothing_is_saved(received: Laboratory) -> None:
    content = plates.wide_workbook(TUBES)
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    page = workbook.active
    page.cell(6, 6, "Hơi dương")
    page.cell(7, 3, "hai mươi")
    page.cell(8, 1, "Z99")
    page.cell(9, 2, "DNG2608010003")
    page.cell(9, 6, "Dương tính")
    out = io.BytesIO()
    workbook.save(out)
    report = _import(received, out.getvalue(), name="plate.xlsx")
    assert report.error_count == 5
    assert report.run_id is None
    assert db_session.scalars(sa.select(LabRun.id)).all() == []
    answer = openpyxl.load_workbook(io.BytesIO(report.answer)).active
    assert answer.cell(3, 7).value == "Lỗi"
    assert "Hơi dương" in answer.cell(6, 7).value
    assert "hai mươi" in answer.cell(7, 7).value
    assert "Z99" in answer.cell(8, 7).value


def test_a_failed_control_is_kept_and_blocks_the_release(received: Laboratory) -> None:
    content = plates.wide_workbook(TUBES)
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    workbook.active.cell(4, 6, "Âm tính")
    out = io.BytesIO()
    workbook.save(out)
    report = _import(received, out.getvalue(), name="plate.xlsx")
    assert report.positive_control == "failed"
    assert report.is_blocked
    assert report.run_id is not None
    with pytest.raises(Conflict):
        received.release(report.run_id)


def test_repeats_replace_the_first_reading(received: Laboratory) -> None:
    mapping = _mapping(received, plates.SEMICOLON_MAPPING)
    first = TUBES | {"DNG2608010001": "invalid"}
    content = plates.semicolon_csv(first, repeats={"DNG2608010001": "positive"})
    report = _import(received, content, mapping)
    assert report.error_count == 0
    assert len(report.problems) == 1
    assert _stored()["DNG2608010001"] == "positive"


def test_wells_that_disagree_are_an_error(received: Laboratory) -> None:
    content = (
        plates.long_csv(TUBES)
        + b"\r\n"
        + b"\r\n".join(
            f"90,H9,false,DNG2608010001,{gene},UNKNOWN,FAM,NFQ,20.1,".encode()
            for gene in plates.GENES
        )
    )
    report = _import(received, content)
    assert report.error_count == 2
    assert _stored() == {}


def test_an_invalid_well_has_no_internal_control(received: Laboratory) -> None:
    _import(received, plates.long_csv(TUBES | {"DNG2608010003": "invalid"}))
    assert _stored()["DNG2608010003"] == "invalid"


def test_an_unknown_tube_is_offered_codes_and_never_assigned(received: Laboratory) -> None:
    report = _import(received, plates.long_csv({"DNG2608010010": "positive"}))
    assert report.error_count == 0
    assert report.unknown == {"DNG2608010010": ["DNG2608010001"]}
    assert received.findings() == ["F1"]
    assert set(received.states().values()) == {"WAITING"}


def test_the_same_file_twice_and_tubes_elsewhere_are_refused(received: Laboratory) -> None:
    content = plates.long_csv(TUBES)
    _import(received, content)
    again = _import(received, content)
    assert again.error_count == 1
    received.tube("DNG2608010009", "Chi")
    elsewhere = _import(received, plates.long_csv({"DNG2608010009": "negative"}))
    assert elsewhere.error_count == 1
    assert len(db_session.scalars(sa.select(LabRun.id)).all()) == 1


def test_a_file_that_is_no_table_is_refused(received: Laboratory) -> None:
    with pytest.raises(Invalid):
        _import(received, b"\x00\x01\x02 not a table")
    with pytest.raises(NotFound), transaction(received.technician) as session:
        importing.check_file(
            session,
            received.technician,
            laboratory_id=received.place.site_id,
            file_name="x",
            content=b"",
        )


def test_nothing_of_a_check_is_saved(received: Laboratory) -> None:
    with transaction(received.technician) as session:
        report = importing.check_file(
            session,
            received.technician,
            laboratory_id=received.place.laboratory_id,
            file_name="plate.csv",
            content=plates.long_csv(TUBES),
        )
    assert report.outcomes == {"negative": 2, "positive": 1}
    assert _stored() == {}
    assert services.rules.is_blocked("failed", "passed")
