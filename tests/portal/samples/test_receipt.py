"""Receipt, refusal and boxes: in bulk, with every problem at once, twice without effect."""

import pytest
import sqlalchemy as sa

from portal.db import db_session, transaction
from portal.errors import Conflict, Invalid, NotFound
from portal.samples import services
from portal.samples.models import CustodyEvent, Tube
from portal.samples.rules import Rejection, TubeStatus, may_become, origins
from portal.samples.services import ScannedTube


def _tube(code: str) -> Tube:
    db_session.expire_all()
    return db_session.scalars(sa.select(Tube).where(Tube.code == code)).one()


def test_received_tubes_get_numbers_custody_and_counts(laboratory) -> None:
    laboratory.tube("AAA1", "An", "Bình")
    laboratory.tube("AAA2", "Chi")
    report = laboratory.receive("aaa 1", "AAA2", "ZZZ9", counted=2)
    assert len(report.received) == 2
    assert report.unknown == ["ZZZ9"]
    assert len(report.miscounted) == 1
    first, second = _tube("AAA1"), _tube("AAA2")
    assert first.status == TubeStatus.RECEIVED
    assert first.accession_number.endswith("-0001")
    assert second.accession_number.endswith("-0002")
    assert first.counted_swabs == 2
    events = db_session.scalars(sa.select(CustodyEvent.kind)).all()
    assert list(events) == ["received", "received"]
    assert laboratory.counts()["tubes_received"] == 2


def test_receiving_twice_changes_nothing_and_a_new_count_is_kept(laboratory) -> None:
    laboratory.tube("AAA1", "An", "Bình")
    laboratory.receive("AAA1", counted=2)
    number = _tube("AAA1").accession_number
    again = laboratory.receive("AAA1", counted=2)
    assert again.changed == []
    assert len(again.already) == 1
    recount = laboratory.receive("AAA1", counted=3)
    assert len(recount.recounted) == 1
    assert _tube("AAA1").counted_swabs == 3
    assert _tube("AAA1").accession_number == number
    assert laboratory.counts()["tubes_received"] == 1


def test_every_problem_of_a_list_is_named(laboratory) -> None:
    with (
        pytest.raises(Invalid) as caught,
        transaction(laboratory.technician) as session,
    ):
        services.receive(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            tubes=[ScannedTube("A1"), ScannedTube("a 1"), ScannedTube("B1", 101), ScannedTube(" ")],
        )
    assert len(caught.value.details) == 3


def test_an_outsider_receives_nothing(laboratory) -> None:
    with pytest.raises(NotFound), transaction(laboratory.technician) as session:
        services.receive(
            session, laboratory.technician, laboratory_id=laboratory.place.site_id, tubes=[]
        )


def test_a_refused_tube_is_counted_and_stays_refused(laboratory) -> None:
    laboratory.tube("AAA1", "An")
    with transaction(laboratory.technician) as session:
        services.reject(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            codes=["AAA1"],
            reason=Rejection.LEAKING,
        )
    tube = _tube("AAA1")
    assert (tube.status, tube.rejection_reason) == ("rejected", "leaking")
    assert laboratory.counts() == {"tubes_received": 1, "tubes_rejected": 1}
    assert laboratory.receive("AAA1").refused == {}
    with pytest.raises(Invalid) as caught, transaction(laboratory.technician) as session:
        services.reject(
            session,
            laboratory.technician,
            laboratory_id=laboratory.place.laboratory_id,
            codes=["AAA1", "NIX"],
            reason=Rejection.LEAKING,
        )
    assert len(caught.value.details) == 2


def test_a_box_travels_and_is_closed_once(laboratory) -> None:
    laboratory.tube("AAA1", "An")
    laboratory.tube("AAA2", "Bình")
    place = laboratory.place
    with transaction(laboratory.coordinator) as session:
        box = services.send_box(
            session,
            laboratory.coordinator,
            site_id=place.site_id,
            laboratory_id=place.laboratory_id,
            codes=["AAA1", "AAA2"],
            temperature_celsius=4.0,
        )
        code = box.code
    assert _tube("AAA1").status == TubeStatus.SENT
    laboratory.receive("AAA1", "AAA2")
    with transaction(laboratory.technician) as session:
        services.close_box(session, laboratory.technician, code=code)
    with pytest.raises(Conflict), transaction(laboratory.technician) as session:
        services.close_box(session, laboratory.technician, code=code)
    with pytest.raises(Invalid) as caught, transaction(laboratory.coordinator) as session:
        services.send_box(
            session,
            laboratory.coordinator,
            site_id=place.site_id,
            laboratory_id=place.laboratory_id,
            codes=["AAA1", "NIX"],
        )
    assert len(caught.value.details) == 2


def test_moves_go_one_way() -> None:
    assert may_become("open", TubeStatus.RECEIVED)
    assert not may_become("resulted", TubeStatus.RECEIVED)
    assert not may_become("rejected", TubeStatus.RECEIVED)
    assert origins(TubeStatus.RESULTED) == {"in_test"}
