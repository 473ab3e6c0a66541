"""The laboratory's screens through the web: who sees what, and the whole way of a tube."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import login
from portal.db import db_session
from portal.replay import plates
from portal.results.models import LabResult, LabRun
from portal.roles import Role
from tests.portal.results.laboratory import Laboratory, hours_ago, make_user
from tests.portal.web.world import sign_in, token_of

PAGES = {
    "/laboratory/receipt/": "kt duyet dieuphoi",
    "/laboratory/receipt/paper": "kt duyet dieuphoi",
    "/laboratory/rack/": "kt duyet",
    "/laboratory/rack/import": "kt duyet",
    "/laboratory/runs/": "kt duyet dieuphoi",
    "/findings/list/": "kt duyet dieuphoi",
    "/retests/": "dieuphoi",
    "/retests/paper": "dieuphoi",
    "/samples/list/": "dieuphoi",
    "/tubes/list/": "kt duyet dieuphoi",
    "/turnaround/": "kt duyet dieuphoi",
    "/pools/advice/": "dieuphoi",
}


@pytest.fixture
def web(app: Flask) -> Laboratory:
    """A laboratory with staff who can sign in."""
    login.forget_logins()
    with app.app_context():
        return Laboratory.make()


def _send(browser: FlaskClient, path: str, **values: object):
    token = token_of(browser.get("/laboratory/runs/").get_data(as_text=True))
    return browser.post(path, data={"csrf_token": token, **values})


def _post(browser: FlaskClient, path: str, body: dict):
    page = browser.get("/laboratory/runs/").get_data(as_text=True)
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    return browser.post(path, json=body, headers={"X-CSRFToken": token})


def test_each_role_opens_its_pages_and_no_other(app: Flask, web: Laboratory) -> None:
    for name in ("kt", "duyet", "dieuphoi"):
        browser = sign_in(app, name)
        for path, roles in PAGES.items():
            wanted = 200 if name in roles.split() else 403
            assert browser.get(path).status_code == wanted, (name, path)


def test_a_tube_goes_from_the_door_to_the_release(app: Flask, web: Laboratory) -> None:
    place = web.place
    with app.app_context():
        web.tube("DNG2608010001", "An", "Bình")
        web.tube("DNG2608010002", "Chi", "Dũng", collected_at=hours_ago(7))
    technician = sign_in(app, "kt")
    scans = [{"code": "DNG2608010001"}, {"code": "dng2608010002", "counted": 2}, {"code": "NIX"}]
    answer = _post(
        technician,
        "/laboratory/receipt/tubes",
        {"laboratory_id": place.laboratory_id, "tubes": scans},
    )
    assert [tube["outcome"] for tube in answer.json["tubes"]] == [
        "received",
        "received",
        "unknown",
    ]
    wells = [
        {"well": "A1", "code": "DNG2608010001", "outcome": "negative", "ct": None},
        {"well": "B1", "code": "DNG2608010002", "outcome": "positive", "ct": 27.5},
    ]
    answer = _post(
        technician,
        "/laboratory/rack/record",
        {
            "laboratory_id": place.laboratory_id,
            "wells": wells,
            "positive_control": "passed",
            "negative_control": "passed",
        },
    )
    assert answer.status_code == 200, answer.json
    path = answer.json["url"]
    own = technician.get(path).get_data(as_text=True)
    assert "DNG2608010002" in own
    assert _send(technician, f"{path}/release").status_code == 403
    verifier = sign_in(app, "duyet")
    page = verifier.get(path).get_data(as_text=True)
    assert page.index("DNG2608010002") < page.index("DNG2608010001")
    with app.app_context():
        assert set(web.states().values()) == {"WAITING"}, "a preview writes nothing"
    assert _send(verifier, f"{path}/release").status_code == 302
    with app.app_context():
        states = web.states()
    assert states["DNG2608010001:An"] == "NEG_BY_POOL"
    assert states["DNG2608010002:Chi"] == "RETEST_DUE"
    coordinator = sign_in(app, "dieuphoi")
    page = coordinator.get("/retests/").get_data(as_text=True)
    assert "Chi" in page
    assert "An" not in page.split("<main")[1].split("Chi")[0].split("<table")[-1]


def test_a_file_shows_its_problems_before_anything_is_saved(app: Flask, web: Laboratory) -> None:
    with app.app_context():
        web.tube("DNG2608010001", "An")
    technician = sign_in(app, "kt")
    content = plates.wide_workbook({"DNG2608010001": "negative"})
    token = token_of(technician.get("/laboratory/rack/import").get_data(as_text=True))
    answer = technician.post(
        "/laboratory/rack/import",
        data={"csrf_token": token, "step": "check", "file": (io.BytesIO(content), "plate.xlsx")},
    )
    page = answer.get_data(as_text=True)
    assert "DNG2608010001" in page
    with app.app_context():
        assert db_session.query(LabRun).count() == 0
        web.receive("DNG2608010001")
    answer = technician.post(
        "/laboratory/rack/import",
        data={"csrf_token": token, "step": "save", "file": (io.BytesIO(content), "plate.xlsx")},
    )
    assert answer.status_code == 302
    with app.app_context():
        assert db_session.query(LabResult).count() == 1


def test_a_finding_is_closed_with_a_reason_by_who_may(app: Flask, web: Laboratory) -> None:
    with app.app_context():
        web.tube("DNG2608010001", "An", "Bình")
        web.receive("DNG2608010001", counted=3)
        web.release(web.record(DNG2608010001="negative"))
        finding = web.finding("F4").id
        assert set(web.states().values()) == {"HOLD"}
    verifier = sign_in(app, "duyet")
    assert verifier.get(f"/findings/show/{finding}").status_code == 200
    answer = _send(verifier, f"/findings/{finding}/close", reason="counted again")
    assert answer.status_code == 403, "F4 is closed by a coordinator"
    coordinator = sign_in(app, "dieuphoi")
    assert _send(coordinator, f"/findings/{finding}/close", reason=" ").status_code == 422
    answer = _send(coordinator, f"/findings/{finding}/close", reason="a cotton thread")
    assert answer.status_code == 302
    with app.app_context():
        assert set(web.states().values()) == {"NEG_BY_POOL"}
        assert web.findings("closed") == ["F4"]


def test_a_visit_that_ends_leaves_the_person_unresolved(app: Flask, web: Laboratory) -> None:
    with app.app_context():
        web.tube("DNG2608010001", "An", "Bình")
        web.result(DNG2608010001="positive")
        sample = web.sample("DNG2608010001", "An").id
    coordinator = sign_in(app, "dieuphoi")
    assert _send(coordinator, f"/retests/{sample}/visit", outcome="moved").status_code == 302
    with app.app_context():
        found = web.sample("DNG2608010001", "An")
        assert (found.state, found.state_reason) == ("UNRESOLVED", "moved")
        assert web.states()["DNG2608010001:Bình"] == "RETEST_DUE"


def test_samples_are_withdrawn_and_tubes_lost_with_what_follows(app: Flask, web) -> None:
    with app.app_context():
        tube = web.tube("DNG2608010001", "An", "Bình")
        web.receive("DNG2608010001")
        sample = web.sample("DNG2608010001", "An").id
    coordinator = sign_in(app, "dieuphoi")
    assert coordinator.get(f"/tubes/show/{tube}").status_code == 200
    assert coordinator.get(f"/samples/show/{sample}").status_code == 200
    _send(coordinator, f"/samples/withdraw/{sample}", reason="wrong person")
    _send(coordinator, f"/tubes/withdraw/{tube}", reason="fell from the cart")
    with app.app_context():
        assert web.sample("DNG2608010001", "An").withdrawn_at is not None
        other = web.sample("DNG2608010001", "Bình")
        assert (other.state, other.state_reason) == ("RETEST_DUE", "lost")


def test_a_laboratory_sees_nothing_of_another(app: Flask, web: Laboratory) -> None:
    with app.app_context():
        web.tube("DNG2608010001", "An")
        web.receive("DNG2608010001")
        run = web.record(DNG2608010001="negative")
        make_user("la", Role.LABORATORY_VERIFIER, web.place.site_id)
    stranger = sign_in(app, "la")
    assert stranger.get(f"/laboratory/runs/{run}").status_code == 404
    assert stranger.get("/laboratory/receipt/").status_code == 404


def test_the_share_of_positive_people_comes_from_pools_of_all_sizes(app: Flask, web) -> None:
    from portal.results import advice, turnaround

    with app.app_context():
        web.tube("DNG2608010001", "An", "Bình")
        web.tube("DNG2608010002", "Chi", "Dũng", "Em")
        web.tube("DNG2608010003", "Giang")
        web.result(DNG2608010001="negative", DNG2608010002="positive", DNG2608010003="negative")
        found = advice.advise(db_session(), web.place.campaign_id)
        steps, sites = turnaround.measure(db_session())
    total = found.total
    assert (total.tubes, total.people, total.positive_tubes) == (3, 6, 1)
    assert total.lower < total.estimate < total.upper
    assert [area.name for area in found.areas] == ["Hải Châu"]
    assert {row["size"] for row in found.sizes} == {1, 2, 3, 5, 7, 10}
    assert {step.name for step in steps} == set(turnaround.STEPS)
    assert [site.count for site in sites] == [3]
    page = sign_in(app, "dieuphoi").get("/pools/advice/").get_data(as_text=True)
    assert "Hải Châu" in page
