"""What the applier changes of people stands in the trail: who, before, after, under their key."""

import uuid

import pytest
import sqlalchemy as sa

from portal.actors import system
from portal.audit import services
from portal.audit.models import AuditEvent
from portal.db import transaction
from portal.declarations import services as declarations
from portal.declarations.models import Declaration
from portal.exports import subject_access
from portal.people.models import Person
from portal.samples.models import Sample
from tests.portal.declarations.answers import answers
from tests.portal.declarations.test_services import PUBLIC
from tests.portal.ingest.device import tube_code
from tests.portal.ingest.test_applier import World

T1, T2 = tube_code(1), tube_code(2)
CARD = {"national_id": "048185000012"}


@pytest.fixture
def world(config, session):
    made = World(config, session)
    yield made
    made.journal.close()


def _events(world: World, action: str) -> list[AuditEvent]:
    chosen = sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    return list(world.session.scalars(chosen))


def test_what_is_completed_of_a_known_person_keeps_before_and_after(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1), device.collected(T1, "Lê Cam", person=CARD)))
    device.grant = device.shift(2)
    more = device.collected(T2, "Lê Cam", person={"phone": "0901234567"})
    card = "048185000012|205123456|Lê Cam|02091985|Nam|Tổ 1, Hòa Khánh|01012022"
    more["data"] |= {"source": "cccd", "payload": card}
    world.send(device.batch(device.opened(T2), more))
    person = world.session.scalars(sa.select(Person)).one()
    assert person.phone == "0901234567"
    (event,) = _events(world, "people.complete")
    assert (event.table_name, event.row_key) == ("people", str(person.id))
    assert (event.actor_kind, event.actor_name, event.actor_user_id) == (
        "device", "Máy 1: collector2", 2,
    )  # fmt: skip
    applied = [e for e in _events(world, "ingest.apply") if e.actor_name == event.actor_name]
    assert [e.row_key for e in applied] == [event.request_id]  # the batch, nothing else is new
    assert event.change == {"phone": [], "address": [], "identifiers": []}
    assert event.shown_change == {
        "phone": ["", "0901234567"],
        "address": ["", "Tổ 1, Hòa Khánh"],
        "identifiers": ["", "cmnd 205123456"],
    }
    assert b"0901234567" not in event.personal
    with transaction(system("test")) as session:
        services.erase(session, system("test"), subjects=[f"people/{person.id}"], reason="asked")
    assert event.shown_change == event.change


def test_seeing_a_person_again_who_is_known_whole_writes_nothing(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1), device.collected(T1, "Lê Cam", person=CARD)))
    world.send(device.batch(device.opened(T2), device.collected(T2, "Lê Cam", person=CARD)))
    assert world.count(Sample) == 2
    assert _events(world, "people.complete") == []
    assert len([e for e in _events(world, "ingest.apply") if e.table_name == "people"]) == 1


def test_who_registered_a_person_is_found_by_the_person(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1), device.collected(T1, "Lê Cam", person=CARD)))
    device.grant = device.shift(2)
    world.send(device.batch(device.opened(T2), device.collected(T2, "Trần Mận")))
    auditor = system("auditor")
    with transaction(auditor) as session:
        found = subject_access.find(session, auditor, typed=device.results[0], readings_only=False)
        told = {(event.table_name, event.actor_name) for event in found.events}
    assert told == {
        ("people", "auditor"),
        ("people", "Máy 1: collector1"),
        ("samples", "Máy 1: collector1"),
    }


def test_withdrawing_and_discarding_tell_the_state_of_each_person_before(world) -> None:
    device = world.device
    first, second = device.collected(T1, "A"), device.collected(T1, "B")
    world.send(device.batch(device.opened(T1), first, second))
    taken_back = device.event(
        "sample.withdrawn", sample_id=first["data"]["sample_id"], reason="wrong_person"
    )
    world.send(device.batch(taken_back))
    device.grant = device.shift(2)
    world.send(device.batch(device.event("tube.discarded", tube_code=T1, reason="leaked")))
    gone, due = world.session.scalars(sa.select(Sample).order_by(Sample.id)).all()
    (withdrawn,) = _events(world, "samples.withdraw")
    assert (withdrawn.row_key, withdrawn.subject) == (str(gone.id), f"people/{gone.person_id}")
    assert withdrawn.change["withdrawn_at"] == [None, device.at.isoformat()]
    assert withdrawn.shown_change["withdrawal_reason"] == ["", "wrong_person"]
    tube, sample = _events(world, "tubes.discard")
    assert (tube.table_name, tube.change["status"]) == ("tubes", ["open", "discarded"])
    assert (sample.table_name, sample.row_key) == ("samples", str(due.id))
    assert sample.actor_name == "Máy 1: collector2"
    assert sample.shown_change == {
        "state": ["WAITING", "RETEST_DUE"],
        "state_reason": ["", "discarded"],
    }


def test_a_declaration_tied_to_its_person_names_the_collector(world) -> None:
    with transaction(system("test")) as session:
        declared = declarations.submit(session, PUBLIC, raw=answers(), uid=uuid.uuid4())
    device = world.device
    event = device.collected(T1, source="declaration", payload=declared.lookup_code)
    del event["data"]["person"]
    world.send(device.batch(device.opened(T1), event))
    assert world.codes() == [("applied", "")] * 2
    (linked,) = _events(world, "declarations.link")
    person_id = world.session.scalar(sa.select(Declaration.person_id))
    assert linked.row_key == str(declared.id)
    assert linked.change == {"person_id": [None, person_id]}
    assert linked.actor_name == "Máy 1: collector1"
