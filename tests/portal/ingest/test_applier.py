"""The applier: what devices sent becomes true, once, in order, and nothing stops it."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa
import time_machine

from portal import clock
from portal.accounts.models import StaffProfile
from portal.actors import system
from portal.audit.models import AuditEvent
from portal.campaigns.models import HourlyCount
from portal.db import transaction
from portal.errors import Conflict
from portal.ingest import lease, queries, services
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.ingest.models import ApplierState, Device, EventOutcome, HeldBatch, QuarantinedEvent
from portal.people.models import DuplicateCandidate, Person, PersonIdentifier
from portal.pools.models import Finding
from portal.samples.models import Sample, Tube, TubeLabelRange
from tests.portal.ingest.device import allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province

T1, T2 = tube_code(1), tube_code(2)


class World:
    """A province, a device, a journal and an applier."""

    def __init__(self, config, session) -> None:
        self.session = session
        self.place = make_province()
        allow_tubes(self.place)
        self.device = enrol(self.place, config.secret_key)
        self.journal = open_journal(config)
        self.applier = Applier(config, self.journal)
        assert self.applier.take_lease()

    def send(self, *arrivals) -> None:
        self.journal.append(arrivals)
        while self.applier.step():
            pass
        self.session.expire_all()

    def count(self, model) -> int:
        return self.session.scalar(sa.select(sa.func.count()).select_from(model))

    def codes(self) -> list[tuple[str, str]]:
        rows = self.session.execute(
            sa.select(EventOutcome.status, EventOutcome.code).order_by(EventOutcome.id)
        )
        return [tuple(row) for row in rows]

    def counts(self) -> dict[str, int]:
        rows = self.session.execute(
            sa.select(HourlyCount.measure, sa.func.sum(HourlyCount.count)).group_by(
                HourlyCount.measure
            )
        )
        return {measure: int(count) for measure, count in rows}


@pytest.fixture
def world(config, session):
    made = World(config, session)
    yield made
    made.journal.close()


def test_a_tube_of_people_becomes_true(world) -> None:
    device = world.device
    world.send(
        device.batch(
            device.opened(T1),
            device.collected(T1, "Trần Thị Bưởi", person={"national_id": "048185000012"}),
            device.collected(T1, "Lê Văn Cam", person={"phone": "0901234567"}),
            device.sealed(T1, 2),
        )
    )
    assert world.codes() == [("applied", "")] * 4
    tube = world.session.scalars(sa.select(Tube)).one()
    assert (tube.code, tube.status, tube.sample_count, tube.planned_size) == (T1, "sealed", 2, 5)
    assert tube.sealed_at == tube.opened_at == device.at
    samples = world.session.scalars(sa.select(Sample).order_by(Sample.id)).all()
    assert [s.result_code for s in samples] == device.results
    assert {s.state for s in samples} == {"WAITING"}
    assert samples[0].collected_at == device.at
    person = samples[0].person
    assert (person.full_name, person.folded_name) == ("Trần Thị Bưởi", "tran thi buoi")
    assert (person.birth_on, person.birth_year) == (dt.date(1985, 9, 2), 1985)
    assert person.sex == "male"
    assert person.site_id == world.place.site_id
    assert samples[1].person.phone == "0901234567"
    assert world.count(PersonIdentifier) == 1
    assert world.counts() == {
        "tubes_registered": 1,
        "people_registered": 2,
        "people_typed": 2,
    }
    audit = world.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "ingest.apply").order_by(AuditEvent.id)
    ).all()
    first, last = samples[0].id, samples[-1].id
    assert [(a.table_name, a.row_count, a.actor_name) for a in audit] == [
        ("samples", 4, "Máy 1: collector1"),
        ("people", 2, "Máy 1: collector1"),
    ]
    assert audit[0].change["rows"] == f"{first}-{last}"
    assert (audit[0].first_key, audit[0].last_key) == (first, last)
    state = world.session.get(ApplierState, 1)
    assert state.position == 1


def test_a_batch_sent_again_whole_or_cut_in_other_batches_changes_nothing(world) -> None:
    device = world.device
    events = [device.opened(T1), device.collected(T1, "A"), device.collected(T1, "B")]
    first = device.batch(*events)
    world.send(first)
    before = world.codes(), world.counts(), world.count(Sample)
    world.send(first, first)
    world.send(device.batch(*events[1:]), device.batch(events[0]))
    assert (world.codes(), world.counts(), world.count(Sample)) == before


def test_batches_that_come_in_another_order_are_applied_in_the_devices_order(world) -> None:
    device = world.device
    batches = [
        device.batch(device.opened(T1)),
        device.batch(device.collected(T1, "A")),
        device.batch(device.collected(T1, "B")),
        device.batch(device.sealed(T1, 2)),
    ]
    world.send(batches[3], batches[1])
    assert (world.count(EventOutcome), world.count(HeldBatch)) == (0, 2)
    world.send(batches[2], batches[3])
    world.send(batches[0])
    assert world.codes() == [("applied", "")] * 4
    assert world.count(HeldBatch) == 0
    assert world.session.scalars(sa.select(Tube.status)).one() == "sealed"
    assert world.session.get(Device, device.id).next_seq == 5


def test_a_gap_ends_after_its_time_with_a_finding_and_the_lost_batch_may_still_come(world) -> None:
    device = world.device
    opened = device.batch(device.opened(T1))
    lost = device.batch(device.collected(T1, "A"))
    sealed = device.batch(device.sealed(T1, 1))
    world.send(opened, sealed)
    assert world.count(EventOutcome) == 1
    world.applier._gap = dt.timedelta(seconds=-1)
    world.send()
    assert world.codes() == [("applied", ""), ("applied", "count_differs")]
    gap = world.session.scalars(sa.select(Finding).where(Finding.code == "F16")).one()
    assert gap.detail == {"device": "Máy 1", "first_seq": 2, "last_seq": 2}
    world.send(lost)
    assert world.codes()[2] == ("applied", "late_member")
    late = world.session.scalars(sa.select(Sample)).one()
    assert (late.state, late.state_reason) == ("HOLD", "late")
    assert world.session.scalars(sa.select(Finding.sample_id).where(Finding.code == "F5")).one()


def test_a_gap_is_not_waited_for_twice_when_the_clock_is_set_back(world) -> None:
    device = world.device
    opened, _lost = device.batch(device.opened(T1)), device.batch(device.collected(T1, "A"))
    world.send(opened, device.batch(device.sealed(T1, 1)))
    assert world.count(EventOutcome) == 1
    with time_machine.travel(clock.now() - dt.timedelta(hours=2)):
        world.send()
    assert world.codes() == [("applied", ""), ("applied", "count_differs")]


def test_one_person_by_one_id_in_the_same_batch_and_later(world) -> None:
    device = world.device
    same = {"national_id": "048185000012"}
    world.send(
        device.batch(
            device.opened(T1),
            device.opened(T2),
            device.collected(T1, "Trần Thị Bưởi", person=same),
            device.collected(T2, "TRAN THI BUOI", person=same),
        )
    )
    world.send(
        device.batch(
            device.opened(tube_code(3)),
            device.collected(tube_code(3), "Trần Thị Bưởi", person=same | {"phone": "0901234567"}),
        )
    )
    assert world.count(Sample) == 3
    person = world.session.scalars(sa.select(Person)).one()
    assert (person.full_name, person.phone, person.version) == ("Trần Thị Bưởi", "0901234567", 2)


def test_another_persons_id_is_not_believed_but_kept_for_a_decision(world) -> None:
    device = world.device
    other = {"national_id": "048185000012", "birth_date": "01/01/1950", "sex": "Nữ"}
    world.send(
        device.batch(
            device.opened(T1),
            device.collected(T1, "Trần Văn Bưởi", person={"national_id": "048185000012"}),
            device.collected(T1, "Lê Thị Cam", person=other),
        )
    )
    assert world.codes()[2] == ("applied", "identity_conflict")
    assert world.count(Person) == 2
    assert world.session.scalars(sa.select(DuplicateCandidate)).one().status == "open"


def test_rules_refuse_with_a_stable_code_and_keep_the_event(world) -> None:
    device = world.device
    same = {"national_id": "048185000012"}
    taken = device.collected(T1, "B")
    world.send(
        device.batch(
            device.opened(T1),
            device.opened(T1),
            device.collected(T1, "A", person=same),
            device.collected(T1, "A", person=same),
            taken,
            device.event("sample.collected", **taken["data"]),
            device.event(
                "sample.collected",
                **{**taken["data"], "sample_id": "0198f0a0-0000-7000-8000-000000000009"},
            ),
            device.collected("FOREIGN-1", "C"),
            device.collected(T1, "D", is_symptomatic=True),
            device.opened("FOREIGN-1"),
            device.opened(T2, session_code="NONE"),
            device.event("sample.withdrawn", sample_id="0198f0a0-0000-7000-8000-000000000008"),
            device.sealed(T2, 1),
            {**device.opened(T2), "actor_grant": "x"},
            {**device.opened(T2), "actor_grant": ""},
            {**device.opened(T2), "actor_grant": device.shift(1, site_id=99)},
            device.event("something.else"),
            device.collected(T1, ""),
        )
    )
    assert world.codes() == [
        ("applied", ""),
        ("applied", "already_open"),
        ("applied", ""),
        ("refused", "person_in_tube"),
        ("applied", ""),
        ("applied", "already_collected"),
        ("refused", "result_code_taken"),
        ("refused", "unknown_tube"),
        ("refused", "symptomatic_in_pool"),
        ("refused", "tube_not_registered"),
        ("refused", "unknown_session"),
        ("refused", "unknown_sample"),
        ("refused", "unknown_tube"),
        ("refused", "grant_invalid"),
        ("refused", "grant_missing"),
        ("refused", "grant_of_other_site"),
        ("refused", "bad_event"),
        ("refused", "no_person"),
    ]
    kept = world.session.scalars(sa.select(QuarantinedEvent).order_by(QuarantinedEvent.id)).all()
    assert [k.code for k in kept] == [c for status, c in world.codes() if status == "refused"]
    assert json.loads(kept[0].body)["kind"] == "sample.collected"
    assert (world.count(Sample), world.count(Tube)) == (2, 1)


def test_a_symptomatic_person_gets_a_tube_alone(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1, size=1), device.collected(T1, is_symptomatic=True)))
    assert world.codes() == [("applied", "")] * 2


def test_withdrawing_discarding_and_their_limits(world) -> None:
    device = world.device
    undone, kept = device.collected(T1, "A"), device.collected(T2, "B")
    world.send(
        device.batch(
            device.opened(T1),
            undone,
            device.event("sample.withdrawn", sample_id=undone["data"]["sample_id"], reason="x"),
            device.opened(T2),
            kept,
        )
    )
    again = device.event("sample.withdrawn", sample_id=undone["data"]["sample_id"], reason="x")
    world.send(
        device.batch(
            again,
            device.sealed(T1, 0),
            device.event("tube.discarded", tube_code=T2, reason="leaking"),
            device.collected(T2, "C"),
        )
    )
    assert world.codes()[5:] == [
        ("applied", "already_withdrawn"),
        ("applied", ""),
        ("applied", ""),
        ("refused", "tube_closed"),
    ]
    states = dict(world.session.execute(sa.select(Sample.result_code, Sample.state)).all())
    assert states[kept["data"]["result_code"]] == "RETEST_DUE"
    assert world.counts()["people_withdrawn"] == 1
    assert dict(world.session.execute(sa.select(Tube.code, Tube.sample_count)).all()) == {
        T1: 0,
        T2: 1,
    }


def test_a_retest_is_linked_and_counted_apart(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1), device.collected(T1, "Lê Văn Cam")))
    first = device.results[0]
    world.send(
        device.batch(
            device.opened(T2, size=1),
            device.collected(T2, "Le Van Cam", retest_of=first.lower()),
        )
    )
    one, two = world.session.scalars(sa.select(Sample).order_by(Sample.id)).all()
    assert two.retest_of_id == one.id
    assert two.person_id == one.person_id
    assert world.counts()["people_registered"] == 1
    assert world.counts()["people_retested"] == 1


def test_more_people_than_the_rule_allows_are_kept_with_a_finding(world) -> None:
    device = world.device
    people = [device.collected(T1, f"Người {n}") for n in range(11)]
    world.send(device.batch(device.opened(T1), *people))
    assert world.codes()[-1] == ("applied", "tube_over_policy")
    assert world.count(Sample) == 11
    assert world.session.scalars(sa.select(Finding.code)).all() == ["F3"]


def test_an_event_that_fails_goes_to_quarantine_and_its_neighbours_are_applied(
    world, monkeypatch
) -> None:
    from portal.ingest import apply_events

    device = world.device
    collect = apply_events.EventApplier._verbs["sample.collected"]

    def fail_for_one(self, n, source, grant):
        if self._events.full_name[n] == "Độc":
            raise ZeroDivisionError
        return collect(self, n, source, grant)

    monkeypatch.setitem(apply_events.EventApplier._verbs, "sample.collected", fail_for_one)
    batches = [
        device.batch(device.opened(T1)),
        device.batch(device.collected(T1, "A"), device.collected(T1, "Độc"), device.sealed(T1, 1)),
        device.batch(device.opened(T2), device.collected(T2, "B")),
    ]
    world.send(*batches)
    assert world.codes() == [
        ("applied", ""),
        ("applied", ""),
        ("refused", "failed"),
        ("applied", ""),
        ("applied", ""),
        ("applied", ""),
    ]
    assert world.session.scalars(sa.select(QuarantinedEvent.code)).all() == ["failed"]
    assert world.session.get(ApplierState, 1).position == 3


def test_a_quarantined_event_is_applied_once_its_cause_is_put_right(world) -> None:
    device = world.device
    foreign = "ROLL-000123"
    world.send(device.batch(device.opened(foreign), device.collected(foreign)))
    assert [code for _, code in world.codes()] == ["tube_not_registered", "unknown_tube"]
    with transaction(system("test")) as session:
        session.add(
            TubeLabelRange(
                site_id=world.place.site_id,
                kind="foreign",
                prefix="ROLL-",
                first_number=1,
                last_number=500,
                number_width=6,
                issued_on=dt.date(2026, 8, 1),
                created_at=device.at,
            )
        )
    for key in (1, 2):
        with transaction(system("test")) as session:
            services.try_again(session, system("test"), event_pk=key)
    world.send()
    assert world.codes() == [("applied", ""), ("applied", "")]
    assert world.count(Sample) == 1
    kept = world.session.scalars(sa.select(QuarantinedEvent.status)).all()
    assert kept == ["done", "done"]
    with pytest.raises(Conflict):
        services.close_event(world.session, system("test"), event_pk=1, reason="x")


def test_only_the_holder_of_the_lease_applies(world, config, monkeypatch) -> None:
    device = world.device
    second = Applier(config, world.journal)
    monkeypatch.setattr(lease, "holder_name", lambda: "elsewhere/1/1")
    assert not second.take_lease()
    with transaction(system("test")) as session:
        session.execute(
            sa.update(ApplierState).values(lease_until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        )
    assert second.take_lease()
    world.journal.append([device.batch(device.opened(T1))])
    assert queries.applier_lag(world.session, world.journal) == 1
    with pytest.raises(lease.LeaseLost):
        world.applier.step()
    assert world.count(Tube) == 0
    assert second.step()
    assert world.count(Tube) == 1


def test_a_dead_holder_of_this_machine_is_followed_at_once(session) -> None:
    import socket

    with transaction(system("test")) as writing:
        assert lease.acquire(writing, f"{socket.gethostname()}/1/0") == 1
    with transaction(system("test")) as writing:
        assert lease.acquire(writing, lease.holder_name()) == 2


def test_counters_agree_with_a_recount(world) -> None:
    device = world.device
    for number in range(1, 8):
        code = tube_code(number)
        device.at += dt.timedelta(minutes=25)
        people = [device.collected(code, f"Người {n}") for n in range(number)]
        world.send(device.batch(device.opened(code), *people, device.sealed(code, number)))
    recount = dict(
        world.session.execute(
            sa.select(sa.func.count(Sample.id), sa.literal("people_registered"))
        ).all()
    )
    assert world.counts()["people_registered"] == next(iter(recount)) == 28
    hours = {row.hour for row in world.session.execute(sa.select(HourlyCount.hour)).all()}
    assert len(hours) == 3


def test_the_collector_is_named_where_the_grant_names_one(world) -> None:
    device = world.device
    with transaction(system("test")) as session:
        session.execute(
            sa.text(
                "INSERT INTO ab_user (id, first_name, last_name, username, email) "
                "VALUES (7, 'a', 'b', 'hoa', 'hoa')"
            )
        )
        session.add(
            StaffProfile(id=5, user_id=7, full_name="Hoa", sort_name="hoa", created_at=device.at)
        )
    device.grant = device.shift(7, staff=5)
    world.send(device.batch(device.opened(T1), device.collected(T1)))
    assert world.session.scalars(sa.select(Sample.collector_id)).one() == 5
