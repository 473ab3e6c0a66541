"""Laboratory pools: mixed, tested, and what their result says of the people."""

import pytest
from flask import Flask

from portal.accounts import login
from portal.db import db_session, transaction
from portal.errors import Invalid, NotFound
from portal.pools import media
from portal.samples.models import Tube
from tests.portal.results.laboratory import Laboratory, hours_ago
from tests.portal.web.world import sign_in, token_of


def mixed(laboratory: Laboratory, *codes: str, label: str = "MIX1") -> str:
    with transaction(laboratory.technician) as session:
        return media.mix(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            tube_codes=codes,
            pool_code=label,
            at=hours_ago(3),
        ).code


def four_tubes(laboratory: Laboratory) -> None:
    for number, name in enumerate(("An", "Bình", "Chi", "Dũng"), 1):
        laboratory.tube(f"T{number}", name, planned_size=1)
    laboratory.receive("T1", "T2", "T3", "T4")


def status(code: str) -> tuple[str, str]:
    db_session.expire_all()
    tube = db_session.query(Tube).filter_by(code=code).one()
    return tube.status, tube.outcome


def test_a_negative_mix_clears_every_tube_in_it(laboratory: Laboratory) -> None:
    four_tubes(laboratory)
    mixed(laboratory, "T1", "T2", "T3")
    laboratory.release(laboratory.record(MIX1="negative"))
    states = laboratory.states()
    assert [states[f"T{n}:{who}"] for n, who in ((1, "An"), (2, "Bình"), (3, "Chi"))] == [
        "NEG_BY_POOL"
    ] * 3
    assert states["T4:Dũng"] == "WAITING"
    assert status("T1") == ("resulted", "negative")
    # The mix is no tube that was collected: three tubes have a result, not four or one.
    assert laboratory.counts()["tubes_resulted"] == 3
    assert laboratory.counts()["people_resulted"] == 3


def test_a_positive_mix_sends_its_tubes_to_a_test_of_their_own(laboratory: Laboratory) -> None:
    four_tubes(laboratory)
    mixed(laboratory, "T1", "T2", "T3")
    laboratory.release(laboratory.record(MIX1="positive"))
    states = laboratory.states()
    assert {states[key] for key in ("T1:An", "T2:Bình", "T3:Chi")} == {"RETEST_RUNNING"}
    assert status("T2") == ("received", "")
    [line] = media.pools_of(db_session(), laboratory.place.laboratory_id)
    assert [tube.code for tube in line.to_test] == ["T1", "T2", "T3"]
    laboratory.release(laboratory.record(at=hours_ago(1), T1="negative", T2="positive"))
    states = laboratory.states()
    assert states["T1:An"] == "NEG_SINGLE"
    assert states["T2:Bình"] == "POS_CONFIRMED"
    assert states["T3:Chi"] == "RETEST_RUNNING"


def test_everything_wrong_with_a_mix_is_said_at_once(laboratory: Laboratory) -> None:
    four_tubes(laboratory)
    laboratory.tube("T5", "Em", planned_size=1)
    laboratory.tube("F1", "Phúc", planned_size=1, subject_group="f1")
    laboratory.tube("BIG", *(f"Người {n}" for n in range(10)), planned_size=10)
    laboratory.receive("F1", "BIG")
    mixed(laboratory, "T1", "T2")
    with pytest.raises(Invalid) as raised:
        mixed(laboratory, "T1", "T3", "T3", "T5", "F1", "BIG", "NONE", label="T4")
    told = "\n".join(raised.value.details)
    for word in ("T1", "MIX1", "T3", "T5", "NONE", "F1", "14", "T4"):
        assert word in told
    assert len(raised.value.details) == 8 - 1
    with pytest.raises(Invalid):
        mixed(laboratory, "T3", label="MIX2")


def test_nobody_mixes_in_a_laboratory_of_others(laboratory: Laboratory) -> None:
    four_tubes(laboratory)
    with pytest.raises(NotFound), transaction(laboratory.technician) as session:
        media.mix(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.site_id,
            tube_codes=["T1", "T2"],
        )


def test_codes_are_scanned_into_the_page_and_kept_when_refused(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        four_tubes(web)
    browser = sign_in(app, "kt")
    token = token_of(browser.get("/laboratory/pools/").get_data(as_text=True))
    refused = browser.post("/laboratory/pools/", data={"csrf_token": token, "codes": "T1\nT9"})
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "T1\nT9</textarea>" in page
    assert "T9 " in page
    filled = browser.post("/laboratory/pools/fill", data={"csrf_token": token, "size": "3"})
    assert "T1\nT2\nT3</textarea>" in filled.get_data(as_text=True)
    made = browser.post(
        "/laboratory/pools/", data={"csrf_token": token, "codes": "T1\r\nT2\r\nT3\r\n"}
    )
    assert made.status_code == 302
    page = browser.get("/laboratory/pools/").get_data(as_text=True)
    assert "T1, T2, T3" in page
    assert sign_in(app, "dieuphoi").get("/laboratory/pools/").status_code == 403
