"""Opening by code and second factor: what opens, what never does, and that no «no» tells more."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

import core_rs
from portal.actors import PUBLIC
from portal.certificates import opening
from portal.certificates.opening import Opened
from portal.certificates.rules import shown_state
from portal.declarations import lookups
from portal.declarations import services as declarations
from portal.declarations.models import LookupAttempt
from portal.declarations.rules import is_locked
from tests.portal.certificates.world import HOUR, World
from tests.portal.declarations.answers import answers

WHO = lookups.caller("k" * 40, "203.0.113.7")
BIRTH = "02/09/1984"


def _try(
    session: Session, code: str, factor: str = BIRTH, who: lookups.Caller = WHO
) -> Opened | None:
    known = opening.known_code(code)
    attempt_id = lookups.write_down(session, who, door="look-up", code=known)
    session.commit()
    opened = opening.look_up(session, who=who, attempt_id=attempt_id, code=code, factor=factor)
    session.commit()
    return opened


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def test_a_slip_opens_its_result_and_the_chain_of_retests(session: Session, world: World) -> None:
    person = world.person()
    pool = world.tube(sample_count=5)
    first = world.sample(person, pool)
    world.release(pool, "positive", state="RETEST_RUNNING")
    again = world.sample(person, retest_of_id=first.id, collected_at=first.collected_at + HOUR)
    world.release(again.tube, "negative")
    for code in (first.result_code, again.result_code):
        opened = _try(session, code)
        assert opened is not None
        assert [facts.sample_id for facts in opened.results] == [again.id, first.id]
    assert [shown_state(facts) for facts in opened.results] == ["NEG_SINGLE", "RETEST_RUNNING"]


def test_a_wrong_link_never_shows_anothers_result(session: Session, world: World) -> None:
    mine = world.sample(world.person())
    world.sample(world.person(full_name="Trần Văn Bình"), retest_of_id=mine.id)
    opened = _try(session, mine.result_code)
    assert opened is not None
    assert [facts.sample_id for facts in opened.results] == [mine.id]


def test_a_family_on_one_phone_sees_one_person_a_code(session: Session, world: World) -> None:
    pool = world.tube(sample_count=2)
    mother = world.sample(world.person(), pool)
    child = world.sample(
        world.person(full_name="Trần Bé", birth_on=dt.date(2019, 1, 3), birth_year=2019), pool
    )
    opened = _try(session, child.result_code, "3456")
    assert opened is not None
    assert [facts.full_name for facts in opened.results] == ["Trần Bé"]
    assert mother.id not in {facts.sample_id for facts in opened.results}


def test_a_declaration_opens_itself_and_once_scanned_its_results(
    session: Session, world: World
) -> None:
    made = declarations.submit(session, PUBLIC, raw=answers(), uid=uuid.uuid4())
    session.commit()
    opened = _try(session, made.lookup_code.lower())
    assert opened is not None
    assert opened.declaration is made
    assert opened.results == ()
    sample = world.sample(world.person(), declaration_id=made.id)
    world.release(sample.tube, "negative")
    opened = _try(session, made.lookup_code, "3456")
    assert opened is not None
    assert [shown_state(facts) for facts in opened.results] == ["NEG_SINGLE"]


@pytest.mark.parametrize("state", ["WAITING", "HOLD"])
def test_what_is_not_released_stays_without_a_result(
    session: Session, world: World, state: str
) -> None:
    sample = world.sample(world.person(), state=state)
    opened = _try(session, sample.result_code)
    assert opened is not None
    assert shown_state(opened.results[0]) == "WAITING"


def test_a_state_without_its_release_is_not_told(session: Session, world: World) -> None:
    sample = world.sample(world.person(), state="POS_CONFIRMED", released_at=None)
    opened = _try(session, sample.result_code)
    assert opened is not None
    assert shown_state(opened.results[0]) == "WAITING"


def test_every_no_is_the_same_and_costs_the_same(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    locked = world.sample(world.person(national_id="048184000999"))
    made = declarations.submit(session, PUBLIC, raw=answers(), uid=uuid.uuid4())
    withdrawn = declarations.submit(session, PUBLIC, raw=answers(), uid=uuid.uuid4())
    withdrawn.status = "withdrawn"
    session.commit()
    for _ in range(6):
        _try(session, locked.result_code, "01/01/2000")
    unknown = core_rs.new_code()
    tries = {
        "wrong factor of a sample": (sample.result_code, "01/01/2000"),
        "wrong factor of a declaration": (made.lookup_code, "9999"),
        "unknown code": (unknown, BIRTH),
        "not even a code": ("xin chào", BIRTH),
        "empty": ("", ""),
        "locked, right factor": (locked.result_code, BIRTH),
        "withdrawn": (withdrawn.lookup_code, BIRTH),
    }
    statements: dict[str, list[str]] = {}
    for name, (code, factor) in tries.items():
        session.expunge_all()
        seen: list[str] = []

        def listen(*args: object, into: list[str] = seen) -> None:
            into.append(str(args[2]).split("WHERE")[0])

        engine = session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", listen)
        assert _try(session, code, factor) is None, name
        sa.event.remove(engine, "before_cursor_execute", listen)
        statements[name] = seen
    assert len({tuple(seen) for seen in statements.values()}) == 1, statements


def test_five_failures_lock_a_code_for_a_while_for_everybody(
    session: Session, world: World
) -> None:
    sample = world.sample(world.person())
    with time_machine.travel(dt.datetime(2026, 8, 6, 3, 0, tzinfo=dt.UTC), tick=False) as clock:
        for number in range(5):
            guesser = lookups.caller("k" * 40, f"198.51.100.{number}")
            assert _try(session, sample.result_code, f"{number:04d}", guesser) is None
        assert _try(session, sample.result_code) is None
        clock.shift(dt.timedelta(minutes=16))
        assert _try(session, sample.result_code) is not None


def test_guessing_the_four_digits_never_gets_far(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    start = dt.datetime(2026, 8, 6, 3, 0, tzinfo=dt.UTC)
    looked_at = 0
    with time_machine.travel(start, tick=False) as clock:
        for day in range(8):
            for number in range(20):
                clock.shift(dt.timedelta(minutes=16))
                failures = lookups.failures(
                    session, WHO, code=opening.known_code(sample.result_code)
                )
                with_this_one = replace(
                    failures,
                    of_code_quarter_hour=failures.of_code_quarter_hour + 1,
                    of_code_day=failures.of_code_day + 1,
                    of_code_ever=failures.of_code_ever + 1,
                )
                looked_at += not is_locked(with_this_one)
                assert _try(session, sample.result_code, f"{day}{number:03d}") is None
        # After 60 failures only the counter opens it again.
        assert looked_at <= 60
        assert _try(session, sample.result_code) is None
        lookups.forgive(session, WHO, code=sample.result_code)
        session.commit()
        assert _try(session, sample.result_code) is not None


def test_a_network_is_locked_only_after_very_many(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    now = dt.datetime(2026, 8, 6, 3, 0, tzinfo=dt.UTC)
    with time_machine.travel(now, tick=False):
        session.add_all(
            LookupAttempt(at=now, door="look-up", code_hash=f"{n}", network=WHO.network)
            for n in range(299)
        )
        session.commit()
        assert _try(session, sample.result_code) is not None
        session.add_all(
            LookupAttempt(at=now, door="look-up", code_hash=f"x{n}", network=WHO.network)
            for n in range(2)
        )
        session.commit()
        assert _try(session, sample.result_code) is None
        elsewhere = lookups.caller("k" * 40, "198.51.100.1")
        assert _try(session, sample.result_code, who=elsewhere) is not None
