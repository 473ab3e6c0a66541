"""The law of counters: what dashboards add up is what a count of the facts gives."""

import pytest
import sqlalchemy as sa

from portal.db import db_session, transaction
from portal.errors import Conflict
from portal.pools.rules import FINAL, Visit, is_suspect
from portal.results import corrections, receiving, services
from portal.results.models import LabResult
from portal.samples.models import Sample, Tube
from portal.samples.rules import Rejection
from tests.portal.results.laboratory import Laboratory


def recount() -> dict[str, int]:
    db_session.expire_all()
    samples = db_session.scalars(sa.select(Sample).where(Sample.retest_of_id.is_(None))).all()
    tubes = db_session.scalars(sa.select(Tube)).all()
    tested = [tube for tube in tubes if tube.outcome and not tube.rejected_at]
    counts = {
        "people_resulted": sum(s.state in FINAL for s in samples),
        "people_confirmed": sum(s.state == "POS_CONFIRMED" for s in samples),
        "people_suspect": sum(is_suspect(s.state, s.state_reason) for s in samples),
        "people_withdrawn": sum(s.withdrawn_at is not None for s in samples),
        "tubes_received": sum(tube.received_at is not None for tube in tubes),
        "tubes_rejected": sum(tube.rejected_at is not None for tube in tubes),
        "tubes_resulted": len(tested),
        "tubes_positive": sum(tube.outcome == "positive" for tube in tested),
    }
    return {measure: count for measure, count in counts.items() if count}


def test_counters_are_what_a_recount_gives_after_every_step(laboratory: Laboratory) -> None:
    for number in range(1, 7):
        laboratory.tube(f"P{number}", *(f"{name}{number}" for name in ("An", "Bình", "Chi")))
    laboratory.tube("S1", "Dũng")
    laboratory.result(P1="negative", P2="positive", P3="invalid", S1="positive")
    assert laboratory.counts() == recount()
    with transaction(laboratory.technician) as session:
        receiving.reject_tubes(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            codes=["P4"],
            reason=Rejection.LEAKING,
        )
    assert laboratory.counts() == recount()
    laboratory.receive("P5", counted=2)
    laboratory.release(laboratory.record(P5="negative"))
    assert laboratory.counts() == recount()
    finding = laboratory.finding("F4").id
    with transaction(laboratory.coordinator) as session:
        corrections.close_finding(
            session, laboratory.coordinator, finding_id=finding, reason="counted again"
        )
    assert laboratory.counts() == recount()
    old = db_session.scalars(sa.select(LabResult.id).where(LabResult.tube_code == "P1")).one()
    with transaction(laboratory.technician) as session:
        new = services.amend(
            session, laboratory.technician, result_id=old, outcome="positive", reason="swap"
        ).id
    with transaction(laboratory.verifier) as session:
        services.release_amendment(session, laboratory.verifier, result_id=new)
    assert laboratory.counts() == recount()
    person = laboratory.sample("P2", "An2").id
    with transaction(laboratory.coordinator) as session:
        corrections.note_visit(
            session, laboratory.coordinator, sample_id=person, outcome=Visit.MOVED
        )
    other = laboratory.sample("P2", "Bình2")
    with transaction(laboratory.coordinator) as session:
        corrections.withdraw_sample(
            session, laboratory.coordinator, session.get_one(Sample, other.id), "wrong person"
        )
    assert laboratory.counts() == recount()
    assert laboratory.counts()["people_suspect"] == 4
    with (
        pytest.raises(Conflict),
        transaction(laboratory.coordinator) as session,
    ):
        corrections.note_visit(
            session, laboratory.coordinator, sample_id=other.id, outcome=Visit.REACHED
        )
