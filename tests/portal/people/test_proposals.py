"""What the applier makes of new people: exact ids join, likeness only proposes, nothing is lost."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from portal import clock
from portal.actors import system
from portal.db import transaction
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.people import known, services, sweeps
from portal.people.known import KnownPeople
from portal.people.models import DuplicateCandidate, Person, PersonChange, PersonIndexSave
from portal.people.rules import read_correction
from portal.samples.models import Sample
from tests.portal.ingest.device import tube_code
from tests.portal.ingest.test_applier import World

T1, T2 = tube_code(1), tube_code(2)
LAN = {"birth_date": "21/09/1987", "sex": "Nữ", "phone": "0912345671",
       "address": "12 Lê Lợi, Phường 1, Đông Hà"}  # fmt: skip


@pytest.fixture
def world(config, session):
    made = World(config, session)
    yield made
    made.journal.close()


def _lan(world, code, name="Nguyễn Thị Hương Lan", **changes):
    return world.device.collected(code, name, person={**LAN, **changes})


def _register(world) -> None:
    device = world.device
    world.send(device.batch(device.opened(T1), _lan(world, T1), device.opened(T2)))


def _candidates(world) -> list[DuplicateCandidate]:
    world.session.expire_all()
    return list(world.session.scalars(sa.select(DuplicateCandidate).order_by("id")))


def test_a_look_alike_is_a_new_person_and_a_proposal_with_its_weights(world) -> None:
    _register(world)
    world.send(world.device.batch(_lan(world, T2, "NGUYEN THI HUONG LAN")))
    assert world.count(Person) == 2
    (pair,) = _candidates(world)
    assert (pair.kind, pair.status) == ("proposal", "open")
    assert (pair.left_site_id, pair.right_site_id) == (world.place.site_id,) * 2
    assert 0.9 < pair.score < 1
    total = pair.evidence["prior"] + sum(bits for _, _, bits in pair.evidence["weights"])
    assert total == pytest.approx(pair.bits, abs=0.1)
    assert all(person.merged_into_id is None for person in (pair.left, pair.right))


def test_look_alikes_of_one_batch_find_each_other(world) -> None:
    device = world.device
    world.send(
        device.batch(device.opened(T1), _lan(world, T1), _lan(world, T1, "nguyen thi huong lan"))
    )
    assert [pair.kind for pair in _candidates(world)] == ["proposal"]


def test_two_people_who_only_share_a_house_are_not_proposed(world) -> None:
    _register(world)
    world.send(
        world.device.batch(_lan(world, T2, "Trần Văn Minh", birth_date="02/03/1985", sex="Nam"))
    )
    assert _candidates(world) == []


def test_a_card_of_somebody_else_is_a_conflict_with_the_kind_of_document(world) -> None:
    device = world.device
    card = {"national_id": "048185000012"}
    other = {**card, "birth_date": "01/01/1950", "sex": "Nam"}
    world.send(
        device.batch(device.opened(T1), _lan(world, T1, **card), device.opened(T2)),
        device.batch(device.collected(T2, "Lê Văn Cam", person=other)),
    )
    (pair,) = _candidates(world)
    assert (pair.kind, pair.evidence["key"]) == ("conflict", "national_id")


def test_a_new_applier_knows_everybody_again_from_the_tables_alone(world, config) -> None:
    _register(world)
    second = Applier(config, open_journal(config))
    with transaction(system("test")) as session:
        session.execute(sa.text("UPDATE applier_state SET lease_until = NULL"))
    assert second.take_lease()
    world.applier = second
    world.send(world.device.batch(_lan(world, T2, "Nguyen Thi Huong Lan")))
    assert len(_candidates(world)) == 1


def test_a_saved_index_and_what_came_after_it_is_the_whole(world, config) -> None:
    device = world.device
    _register(world)
    known = world.applier._known
    with transaction(system("test")) as session:
        known.save(session)
    world.send(device.batch(_lan(world, T2, "Trần Văn Minh", birth_date="02/03/1985", sex="Nam")))
    with transaction(system("test")) as session:
        services.correct(
            session,
            system("test"),
            person_id=session.scalars(sa.select(sa.func.min(Person.id))).one(),
            given=read_correction(
                full_name="Phạm Thị Thu", birth="1950", sex="female", phone="", address="",
                today=clock.today(),
            ),
        )  # fmt: skip
    loaded = KnownPeople(config.var_dir / "people")
    with transaction(system("test")) as session:
        assert not loaded.load_next(session)
        loaded.begin(session)
    loaded.keep()
    assert len(loaded) == 2
    people = {
        p.full_name: [c.person_id for c in loaded._index.look_up({"full_name": p.full_name,
                      "dob": str(p.birth_on or p.birth_year), "sex": p.sex}, least_bits=-9.0)]
        for p in world.session.scalars(sa.select(Person).execution_options(populate_existing=True))
    }  # fmt: skip
    assert {name: len(found) for name, found in people.items()} == {
        "Phạm Thị Thu": 1,
        "Trần Văn Minh": 1,
    }
    with transaction(system("test")) as session:
        loaded.save(session)
        assert session.scalar(sa.select(sa.func.count(PersonChange.id))) == 0
    assert len(list((config.var_dir / "people").glob("*.index"))) == 2
    again = KnownPeople(config.var_dir / "people")
    with transaction(system("test")) as session:
        again.load_next(session)
    assert len(again) == 2


def test_a_lost_or_damaged_file_costs_nothing_but_time(world, config) -> None:
    _register(world)
    with transaction(system("test")) as session:
        world.applier._known.save(session)
    (path,) = (config.var_dir / "people").glob("*.index")
    for damage in (lambda: path.write_bytes(b"TRAM"), path.unlink):
        damage()
        known = KnownPeople(config.var_dir / "people")
        with transaction(system("test")) as session:
            known.load_next(session)
        assert len(known) == 1
    assert world.session.scalars(sa.select(PersonIndexSave)).one().last_person_id > 0


def test_a_commit_whose_answer_was_lost_leaves_nobody_out_of_the_index(world, monkeypatch) -> None:
    device, known = world.device, world.applier._known
    world.send(device.batch(device.opened(T1)))
    world.journal.append([device.batch(_lan(world, T1))])

    def lose() -> None:
        raise OperationalError("COMMIT", {}, Exception("the connection is gone"))

    with monkeypatch.context() as patch:
        patch.setattr(known, "keep", lose)
        with pytest.raises(OperationalError):
            world.applier.step()
    assert (len(known), world.count(Person)) == (1, 1)
    world.send(device.batch(device.opened(T2), _lan(world, T2, "Nguyen Thi Huong Lan")))
    assert (len(known), world.count(Person)) == (2, 2)
    assert len(_candidates(world)) == 1


def test_what_was_completed_is_read_again_and_proposed(world) -> None:
    device = world.device
    card = {"national_id": "048187000012"}
    bare = {"birth_date": "21/09/1987", "sex": "Nữ"}
    world.send(
        device.batch(
            device.opened(T1),
            device.collected(T1, "Nguyễn Thị Hương Lan", person={**bare, **card}),
            device.opened(T2),
            _lan(world, T2, "Nguyễn Thị Hương Lam"),
        ),
    )
    before = [pair.bits for pair in _candidates(world)]
    tubes = tube_code(3)
    world.send(
        device.batch(device.opened(tubes), _lan(world, tubes, **card)),
        device.batch(device.sealed(tubes, 1)),
    )
    assert world.session.scalar(sa.select(sa.func.count(PersonChange.id))) == 1
    after = _candidates(world)
    assert len(after) >= len(before)
    assert len(world.applier._known) == 2


def test_after_a_merge_new_samples_stay_with_the_record_whose_card_was_shown(world) -> None:
    device = world.device
    one, other = {"national_id": "048187000012"}, {"health_insurance": "DN4484812345678"}
    del other["health_insurance"]
    other = {"national_id": "048187000013"}
    world.send(
        device.batch(
            device.opened(T1),
            _lan(world, T1, **one),
            device.opened(T2),
            _lan(world, T2, "Nguyen Thi Huong Lan", **other, phone="0912345672"),
        )
    )
    first, second = world.session.scalars(sa.select(Person.id).order_by(Person.id)).all()
    with transaction(system("test")) as session:
        services.merge(session, system("test"), kept_id=first, merged_id=second, reason="test")
    third = tube_code(3)
    world.send(
        device.batch(
            device.opened(third),
            _lan(world, third, **one),
            _lan(world, third, "Nguyen Thi Huong Lan", **other),
        )
    )
    assert world.codes()[-1] == ("refused", "person_in_tube")
    fourth = tube_code(4)
    world.send(
        device.batch(
            device.opened(fourth), _lan(world, fourth, "Nguyen Thi Huong Lan", **other, address="X")
        )
    )
    newest = world.session.scalars(sa.select(Sample).order_by(Sample.id.desc())).first()
    assert newest is not None
    assert newest.person_id == second
    assert world.session.get_one(Person, first).phone == LAN["phone"]
    assert world.session.get_one(Person, second).phone == "0912345672"


def test_people_stored_before_the_index_are_proposed_piece_by_piece(world, config, monkeypatch):
    device = world.device
    names = ["Nguyễn Thị Hương Lan", "NGUYEN THI HUONG LAN", "Nguyễn Hương Lan"]
    world.send(device.batch(device.opened(T1), *[_lan(world, T1, name) for name in names]))
    before = {(pair.left_id, pair.right_id) for pair in _candidates(world)}
    assert len(before) > 1
    with transaction(system("test")) as session:
        session.execute(sa.text("DELETE FROM duplicate_candidates"))
        asked = sweeps.ask(session).id
    monkeypatch.setattr(known, "SWEPT_AT_ONCE", 1)
    assert world.applier._keep_index()
    with transaction(system("test")) as session:
        assert sweeps.ask(session).id == asked
        assert sweeps.current(session).after_id > 0
    second = Applier(config, open_journal(config))
    with transaction(system("test")) as session:
        session.execute(sa.text("UPDATE applier_state SET lease_until = NULL"))
    assert second.take_lease()
    while second._keep_index():
        pass
    assert {(pair.left_id, pair.right_id) for pair in _candidates(world)} == before
    with transaction(system("test")) as session:
        ended = sweeps.current(session)
        assert ended.finished_at is not None
        assert ended.found_count == len(before)
        assert sweeps.ask(session).id != asked


def test_a_pair_decided_before_is_not_proposed_again_by_a_sweep(world) -> None:
    _register(world)
    world.send(world.device.batch(_lan(world, T2, "NGUYEN THI HUONG LAN")))
    with transaction(system("test")) as session:
        session.execute(sa.text("UPDATE duplicate_candidates SET status = 'different'"))
        sweeps.ask(session)
    while world.applier._keep_index():
        pass
    assert [pair.status for pair in _candidates(world)] == ["different"]
