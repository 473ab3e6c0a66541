"""From record to release: two people, states of everybody, counters, in one go."""

import datetime as dt
import uuid

import pytest
import sqlalchemy as sa

from portal import clock
from portal.actors import Actor, Scope, system
from portal.db import db_session, transaction
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.results import services
from portal.results.matching import rematch
from portal.results.models import LabResult, LabRun
from portal.results.services import Reading, RunFacts
from portal.samples import services as samples
from portal.samples.models import Sample, Tube
from portal.samples.rules import Rejection
from tests.portal.results.laboratory import GOOD, Laboratory, hours_ago


def test_a_negative_pool_clears_its_members(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình", "Chi")
    report = laboratory.result(P1="negative")
    assert set(laboratory.states().values()) == {"NEG_BY_POOL"}
    assert report.people == {"NEG_BY_POOL": 3}
    counts = laboratory.counts()
    assert counts["people_resulted"] == 3
    assert counts["tubes_resulted"] == 1
    assert "tubes_positive" not in counts


def test_a_single_tube_is_a_single_test(laboratory: Laboratory) -> None:
    laboratory.tube("S1", "An")
    laboratory.tube("S2", "Bình")
    laboratory.result(S1="negative", S2="positive")
    assert laboratory.states() == {"S1:An": "NEG_SINGLE", "S2:Bình": "POS_CONFIRMED"}
    assert laboratory.counts()["people_confirmed"] == 1


def test_a_positive_pool_sends_every_member_to_retest(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    before = clock.now()
    laboratory.result(P1="positive")
    assert set(laboratory.states().values()) == {"RETEST_DUE"}
    sample = laboratory.sample("P1", "An")
    assert sample.state_reason == "suspect"
    hours = (sample.retest_due_at - before).total_seconds() / 3600
    assert 24 <= hours < 24.1
    counts = laboratory.counts()
    assert counts["people_suspect"] == 2
    assert counts["tubes_positive"] == 1
    assert "people_confirmed" not in counts
    assert "people_resulted" not in counts


def test_retests_decide_one_by_one(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.result(P1="positive")
    now = hours_ago(0)
    laboratory.tube("R1", "An", retest_of="P1", collected_at=now)
    laboratory.tube("R2", "Bình", retest_of="P1", collected_at=now)
    with transaction(laboratory.technician) as session:
        samples.receive(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            tubes=[samples.ScannedTube("R1"), samples.ScannedTube("R2")],
        )
        tube_ids = session.scalars(sa.select(Tube.id).where(Tube.code.in_(["R1", "R2"]))).all()
        rematch(session, laboratory.technician, tube_ids, at=clock.now())
    assert laboratory.states()["P1:An"] == "RETEST_RUNNING"
    run = laboratory.record(clock.now(), R1="positive", R2="negative")
    laboratory.release(run)
    states = laboratory.states()
    assert states["P1:An"] == states["R1:An"] == "POS_CONFIRMED"
    assert states["P1:Bình"] == states["R2:Bình"] == "NEG_SINGLE"
    counts = laboratory.counts()
    assert counts["people_confirmed"] == 1
    assert counts["people_resulted"] == 2
    assert counts.get("people_suspect", 0) == 0


@pytest.mark.parametrize("outcome", ["invalid"])
def test_a_tube_that_says_nothing_makes_nobody_suspect(laboratory, outcome: str) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.result(P1=outcome)
    assert set(laboratory.states().values()) == {"RETEST_DUE"}
    assert "people_suspect" not in laboratory.counts()


def test_an_inconclusive_pool_is_tested_once_more_and_then_counts_as_positive(laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.result(P1="inconclusive")
    assert set(laboratory.states().values()) == {"WAITING"}
    laboratory.release(laboratory.record(hours_ago(1), P1="inconclusive"))
    assert set(laboratory.states().values()) == {"RETEST_DUE"}
    tests = db_session.scalars(sa.select(LabResult.test_number).order_by(LabResult.id)).all()
    assert list(tests) == [1, 2]


def test_two_results_that_differ_hold_everybody_until_one_stands(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.result(P1="negative")
    report = laboratory.release(laboratory.record(hours_ago(1), P1="positive"))
    assert report.held == ["P1"]
    assert set(laboratory.states().values()) == {"HOLD"}
    assert laboratory.findings() == ["F6"]
    counts = laboratory.counts()
    assert counts.get("people_resulted", 0) == 0
    assert counts.get("tubes_resulted", 0) == 0


def test_a_wrong_count_clears_nobody(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình", "Chi")
    laboratory.receive("P1", counted=2)
    report = laboratory.release(laboratory.record(P1="negative"))
    assert report.held == ["P1"]
    assert laboratory.findings() == ["F4"]
    assert set(laboratory.states().values()) == {"HOLD"}
    # The count was wrong: counted again, the finding goes and the people are cleared.
    laboratory.receive("P1", counted=3)
    tube_id = db_session.scalars(sa.select(Tube.id)).one()
    with transaction(laboratory.technician) as session:
        rematch(session, laboratory.technician, [tube_id], at=clock.now())


def test_a_late_member_is_never_cleared(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình", collected_at=hours_ago(6))
    laboratory.person("Chi")
    first = laboratory.sample("P1", "An")
    with transaction(system("test")) as session:
        values = {
            column.name: getattr(first, column.name)
            for column in Sample.__table__.columns
            if column.name not in {"id", "uid", "result_code", "person_id", "added_at", "position"}
        }
        session.add(
            Sample(
                uid=uuid.uuid4(),
                result_code="RLATE",
                person_id=laboratory.person("Chi"),
                added_at=hours_ago(3),
                position=3,
                **values,
            )
        )
    laboratory.result(P1="negative")
    states = laboratory.states()
    assert states["P1:An"] == states["P1:Bình"] == "NEG_BY_POOL"
    assert states["P1:Chi"] == "HOLD"
    assert laboratory.findings() == ["F5"]


def test_withdrawn_members_are_left_out(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    with transaction(system("test")) as session:
        session.execute(
            sa.update(Sample)
            .where(Sample.person_id == laboratory.person("Bình"))
            .values(withdrawn_at=hours_ago(5))
        )
    laboratory.result(P1="positive")
    assert laboratory.states()["P1:Bình"] == "WAITING"


def test_a_rejected_tube_asks_for_a_new_sample_and_suspects_nobody(laboratory) -> None:
    tube_id = laboratory.tube("P1", "An", "Bình")
    with transaction(laboratory.technician) as session:
        samples.reject(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            codes=["P1"],
            reason=Rejection.LEAKING,
        )
        rematch(session, laboratory.technician, [tube_id], at=clock.now())
    sample = laboratory.sample("P1", "An")
    assert (sample.state, sample.state_reason) == ("RETEST_DUE", "rejected")
    assert "people_suspect" not in laboratory.counts()


def test_who_recorded_may_not_release(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An")
    laboratory.receive("P1")
    run = laboratory.record(P1="negative")
    with pytest.raises(Forbidden), transaction(laboratory.technician) as session:
        services.verify(session, laboratory.technician, run_id=run)
    with pytest.raises(Conflict), transaction(laboratory.verifier) as session:
        services.release(session, laboratory.verifier, run_id=run)
    laboratory.release(run)
    with pytest.raises(Conflict), transaction(laboratory.verifier) as session:
        services.release(session, laboratory.verifier, run_id=run)


@pytest.mark.parametrize("positive", ["failed", "unset"])
def test_a_run_with_a_bad_control_is_never_released(laboratory, positive: str) -> None:
    laboratory.tube("P1", "An")
    laboratory.receive("P1")
    with transaction(laboratory.technician) as session:
        run = services.record(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            readings=[Reading("P1", "negative")],
            facts=RunFacts(positive_control=positive, negative_control="passed"),
        ).run_id
    with pytest.raises(Conflict) as caught, transaction(laboratory.verifier) as session:
        services.verify(session, laboratory.verifier, run_id=run)
    assert caught.value.code == "controls"
    assert set(laboratory.states().values()) == {"WAITING"}


def test_a_held_result_waits_and_the_rest_goes(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An")
    laboratory.tube("P2", "Bình")
    laboratory.receive("P1", "P2")
    run = laboratory.record(P1="negative", P2="negative")
    result_id = db_session.scalars(sa.select(LabResult.id).where(LabResult.tube_code == "P2")).one()
    laboratory.release(run, hold={result_id: "Ct curve looks odd"})
    assert laboratory.states() == {"P1:An": "NEG_SINGLE", "P2:Bình": "WAITING"}
    with transaction(laboratory.verifier) as session:
        services.lift_hold(session, laboratory.verifier, result_id=result_id)
        services.release(session, laboratory.verifier, run_id=run)
    assert laboratory.states()["P2:Bình"] == "NEG_SINGLE"


def test_an_amendment_is_a_new_version_and_urgent_when_it_turns_positive(laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.result(P1="negative")
    old = db_session.scalars(sa.select(LabResult.id)).one()
    with transaction(laboratory.technician) as session:
        new = services.amend(
            session,
            laboratory.technician,
            result_id=old,
            outcome="positive",
            reason="wells swapped",
        ).id
    assert set(laboratory.states().values()) == {"NEG_BY_POOL"}
    with pytest.raises(Forbidden), transaction(laboratory.technician) as session:
        services.release_amendment(session, laboratory.technician, result_id=new)
    with transaction(laboratory.verifier) as session:
        report = services.release_amendment(session, laboratory.verifier, result_id=new)
    assert len(report.urgent) == 2
    assert set(laboratory.states().values()) == {"RETEST_DUE"}
    assert laboratory.sample("P1", "An").is_urgent
    rows = db_session.execute(
        sa.select(LabResult.version, LabResult.status).order_by(LabResult.version)
    ).all()
    assert [tuple(row) for row in rows] == [(1, "amended"), (2, "released")]
    counts = laboratory.counts()
    assert counts["tubes_positive"] == 1
    assert counts.get("people_resulted", 0) == 0


def test_every_bad_reading_is_named_and_nothing_is_kept(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An")
    laboratory.tube("P2", "Bình")
    laboratory.receive("P1")
    with pytest.raises(Invalid) as caught, transaction(laboratory.technician) as session:
        services.record(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            readings=[
                Reading("P1", "positve"),
                Reading("P1", "negative", ct_values={"N": 99.0}),
                Reading("P2", "negative"),
            ],
            facts=GOOD,
        )
    assert len(caught.value.details) == 4
    assert db_session.scalars(sa.select(LabRun.id)).all() == []


def test_an_unknown_code_is_kept_apart_and_similar_codes_are_offered(laboratory) -> None:
    laboratory.tube("DNG2608010012", "An")
    laboratory.receive("DNG2608010012")
    run = laboratory.record(DNG2608010021="negative")
    finding = laboratory.finding("F1")
    assert finding.is_blocking
    assert finding.detail["similar"] == ["DNG2608010012"]
    with pytest.raises(Conflict):
        laboratory.release(run)
    assert set(laboratory.states().values()) == {"WAITING"}
    with transaction(laboratory.verifier) as session:
        services.assign_unknown(
            session,
            laboratory.verifier,
            finding_id=finding.id,
            code="DNG2608010012",
            reason="label read again",
        )
        services.release(session, laboratory.verifier, run_id=run)
    assert laboratory.states() == {"DNG2608010012:An": "NEG_SINGLE"}


def test_an_outsider_finds_no_run(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An")
    laboratory.receive("P1")
    run = laboratory.record(P1="negative")
    stranger = Actor("staff", "x", user_id=99, scope=Scope(site_ids=frozenset({999})))
    with pytest.raises(NotFound), transaction(stranger) as session:
        services.verify(session, stranger, run_id=run)


def test_two_tubes_of_one_person_that_differ_hold_the_person(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.tube("P2", "An", "Chi")
    laboratory.result(P1="negative", P2="positive")
    states = laboratory.states()
    assert states["P1:An"] == states["P2:An"] == "HOLD"
    assert states["P1:Bình"] == "NEG_BY_POOL"
    assert states["P2:Chi"] == "RETEST_DUE"
    assert laboratory.findings() == ["F2"]


def test_matching_again_changes_nothing(laboratory: Laboratory) -> None:
    laboratory.tube("P1", "An", "Bình")
    laboratory.tube("P2", "An", "Chi")
    laboratory.result(P1="negative", P2="positive")
    before, counts = laboratory.states(), laboratory.counts()
    ids = db_session.scalars(sa.select(Tube.id)).all()
    later = clock.now() + dt.timedelta(hours=1)
    with transaction(laboratory.technician) as session:
        report = rematch(session, laboratory.technician, ids, at=later)
    assert not report.people
    assert not report.findings
    assert laboratory.states() == before
    assert laboratory.counts() == counts
