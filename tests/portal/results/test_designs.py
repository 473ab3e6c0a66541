"""Overlapping laboratory pools on the screen and in what people are told."""

import pytest
from flask import Flask

from portal.accounts import login
from portal.db import db_session, transaction
from portal.errors import Invalid, NotFound
from portal.pools import designs
from portal.results import queries
from portal.results.models import LabResult, LabRun
from tests.portal.results.laboratory import Laboratory, hours_ago
from tests.portal.web.world import sign_in, token_of

NAMES = ("An", "Bình", "Chi", "Dũng", "Em", "Giang")
CODES = [f"T{number}" for number in range(1, 7)]


def six_tubes(laboratory: Laboratory) -> None:
    for code, name in zip(CODES, NAMES, strict=True):
        laboratory.tube(code, name, planned_size=1)
    laboratory.receive(*CODES)


def array(laboratory: Laboratory, codes: list[str] = CODES) -> tuple[int, str]:
    """Two rows of three: R1 holds T1 T2 T3, C1 holds T1 T4."""
    with transaction(laboratory.technician) as session:
        design = designs.make(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            plan=designs.array_plan(2, 3),
            tube_codes=codes,
            at=hours_ago(3),
        )
        return design.id, design.code


def board(laboratory: Laboratory, design_id: int) -> designs.Board:
    with transaction(laboratory.technician) as session:
        return designs.board(
            session, laboratory.technician, design_id, tested_singly=queries.outcomes_by_tube
        )


def record(laboratory: Laboratory, code: str, **outcomes: str) -> None:
    named = {f"{code}-{place}": outcome for place, outcome in outcomes.items()}
    laboratory.release(laboratory.record(**named))


def by_name(laboratory: Laboratory) -> dict[str, str]:
    return {key.split(":")[1]: state for key, state in laboratory.states().items()}


def test_nobody_is_cleared_before_all_pools_have_spoken(laboratory: Laboratory) -> None:
    six_tubes(laboratory)
    design_id, code = array(laboratory)
    record(laboratory, code, R1="negative", R2="positive")
    assert set(by_name(laboratory).values()) == {"WAITING"}
    record(laboratory, code, C1="negative", C2="positive", C3="negative")
    states = by_name(laboratory)
    assert states.pop("Em") == "RETEST_RUNNING"
    assert set(states.values()) == {"NEG_BY_POOL"}
    found = board(laboratory, design_id)
    assert [tube.code for tube in found.ranked] == ["T5"]
    assert found.verdict(found.tubes[4]) == "definite"
    assert found.people == 6
    # The only candidate is no case before the test of the single tube.
    assert laboratory.counts().get("people_confirmed") is None
    assert laboratory.counts()["tubes_resulted"] == 5
    laboratory.release(laboratory.record(at=hours_ago(1), T5="positive"))
    assert by_name(laboratory)["Em"] == "POS_CONFIRMED"
    assert board(laboratory, design_id).ranked == []
    assert laboratory.counts()["tubes_resulted"] == 6


def test_a_pool_that_nobody_explains_clears_nobody_in_it(laboratory: Laboratory) -> None:
    six_tubes(laboratory)
    design_id, code = array(laboratory)
    outcomes = dict.fromkeys(("R1", "C1", "C2", "C3"), "negative") | {"R2": "positive"}
    record(laboratory, code, **outcomes)
    states = by_name(laboratory)
    assert {states[name] for name in NAMES[:3]} == {"NEG_BY_POOL"}
    assert {states[name] for name in NAMES[3:]} == {"RETEST_RUNNING"}
    found = board(laboratory, design_id)
    assert [pool.name for pool in found.contradicting] == ["R2"]
    assert {tube.code for tube in found.ranked} == {"T4", "T5", "T6"}
    laboratory.release(
        laboratory.record(at=hours_ago(1), T4="negative", T5="negative", T6="negative")
    )
    assert {by_name(laboratory)[name] for name in NAMES[3:]} == {"NEG_SINGLE"}
    assert "F10" in laboratory.findings()


def test_missing_tubes_leave_the_last_places_empty(laboratory: Laboratory) -> None:
    six_tubes(laboratory)
    design_id, _code = array(laboratory, CODES[:5])
    found = board(laboratory, design_id)
    assert sorted(pool.name for pool in found.pools) == ["C1", "C2", "C3", "R1", "R2"]
    assert {pool.name: len(pool.tubes) for pool in found.pools}["C3"] == 1
    assert found.verdict(found.tubes[0]) == "open"


def test_everything_wrong_with_a_design_is_said_and_nothing_is_kept(laboratory) -> None:
    six_tubes(laboratory)
    laboratory.tube("F1", "Phúc", planned_size=1, subject_group="f1")
    laboratory.receive("F1")
    with pytest.raises(Invalid) as caught:
        array(laboratory, [*CODES, "F1", "NIX", "T1"])
    told = "\n".join(caught.value.details)
    for word in ("T1", "NIX", "9"):
        assert word in told
    with pytest.raises(Invalid) as caught:
        array(laboratory, ["T1", "T2", "T3", "T4", "F1"])
    assert any("R2" in line and "F1" in line for line in caught.value.details)
    array(laboratory)
    with pytest.raises(Invalid) as caught:
        array(laboratory)
    assert len(caught.value.details) >= 6
    with pytest.raises(NotFound), transaction(laboratory.coordinator) as session:
        designs.make(
            session, laboratory.coordinator, laboratory_id=0, plan=designs.array_plan(2, 2),
            tube_codes=CODES[:4],
        )  # fmt: skip


def test_a_design_is_planned_scanned_made_and_printed_on_the_screen(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        six_tubes(web)
    browser = sign_in(app, "kt")
    token = token_of(browser.get("/laboratory/designs/").get_data(as_text=True))
    given = {"csrf_token": token, "kind": "array", "rows": "2", "columns": "3"}
    refused = browser.post("/laboratory/designs/", data=given | {"codes": "T1 T9", "step": "make"})
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "T1\nT9</textarea>" in page
    codes = " ".join(code.lower() for code in CODES)
    shown = browser.post("/laboratory/designs/", data=given | {"codes": codes, "step": "show"})
    assert "<td>T6</td>" in shown.get_data(as_text=True)
    with app.app_context():
        assert db_session.query(designs.PoolDesign).count() == 0
    made = browser.post("/laboratory/designs/", data=given | {"codes": codes, "step": "make"})
    assert made.status_code == 302
    where = made.headers["Location"]
    page = browser.get(where).get_data(as_text=True)
    assert "R1" in page
    assert "T6" in page
    assert "T4" in browser.get(f"{where}/paper").get_data(as_text=True)
    assert "2 × 3" in browser.get("/laboratory/designs/").get_data(as_text=True)
    assert sign_in(app, "dieuphoi").get(where).status_code == 403
    wrong = browser.post(
        "/laboratory/designs/",
        data={"csrf_token": token, "kind": "matrix", "matrix": "1 0\n1 2", "codes": "T1 T2"},
    )
    assert wrong.status_code == 422


def test_the_pools_of_a_design_are_recorded_in_its_grid(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        six_tubes(web)
        design_id, code = array(web)
    browser = sign_in(app, "kt")
    where = f"/laboratory/designs/{design_id}"
    page = browser.get(where).get_data(as_text=True)
    assert page.count('class="form-control pool-entry"') == 5
    given = {"csrf_token": token_of(page), "positive_control": "passed"}
    empty = browser.post(f"{where}/record", data=given)
    assert empty.status_code == 422
    refused = browser.post(
        f"{where}/record", data=given | {"outcome-R1": "x", "outcome-C1": "negative"}
    )
    assert refused.status_code == 422
    kept = refused.get_data(as_text=True)
    assert '<option value="negative" selected>' in kept
    said = {f"outcome-{name}": "negative" for name in ("R1", "C1", "C3")}
    said |= {"outcome-R2": "positive"}
    made = browser.post(f"{where}/record", data=given | said)
    assert made.status_code == 302
    with app.app_context():
        rows = db_session.query(LabResult.tube_code, LabResult.outcome).all()
        assert dict(map(tuple, rows)) == {
            f"{code}-R1": "negative", f"{code}-R2": "positive",
            f"{code}-C1": "negative", f"{code}-C3": "negative",
        }  # fmt: skip
        assert db_session.query(LabRun).one().positive_control == "passed"
    # What was read is not asked again; the pool left out is.
    assert browser.get(where).get_data(as_text=True).count("form-control pool-entry") == 1
    assert sign_in(app, "dieuphoi").post(f"{where}/record").status_code in {400, 403}
