"""When more comes than can be done: reading ahead, how late the screens are, old batches, noise."""

import asyncio
import datetime as dt
import gc
import json
import random
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from portal import bulk, clock
from portal.actors import system
from portal.ingest import applier as appliers
from portal.ingest import lease, queries
from portal.ingest.applier import Applier
from portal.ingest.apply_events import EventApplier, Ready
from portal.ingest.door import Door
from portal.ingest.journal import Arrival, open_journal
from portal.ingest.models import ApplierState, Device, EventOutcome, QuarantinedEvent
from portal.ingest.outcomes import Source
from portal.people.known import KnownPeople
from portal.samples.models import Sample
from tests.portal.ingest.device import allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province
from tests.portal.ingest.speaking import ask, running

ACTOR = system("test")
MALFORMED = 10_000


@pytest.fixture
def device(config, session):
    place = make_province()
    allow_tubes(place)
    return enrol(place, config.secret_key)


@pytest.fixture
def journal(config):
    opened = open_journal(config)
    yield opened
    opened.close()


def _tube(device, number: int, *, received_at: int = 0) -> Arrival:
    code = tube_code(number)
    people = [device.collected(code, f"Người {number} {n}") for n in range(2)]
    made = device.batch(device.opened(code), *people, device.sealed(code, 2))
    return Arrival(made.device_id, made.seq, received_at, made.body)


def test_what_a_transaction_had_in_hand_is_freed_with_it(config, session, device) -> None:
    """Cycles would wait for the collector, which a busy applier calls seldom: hundreds of MiB."""
    known = KnownPeople(config.var_dir / "people")
    applier = EventApplier(session, config.secret_key, known)
    source = Source(device.id, "Máy 1", session.get(Device, device.id).site_id, "")
    gc.collect()
    gc.disable()
    try:
        assert applier.apply([Ready(source, _tube(device, 1).body)]) == 4
        known.drop()
        gone = weakref.ref(applier)
        del applier
        assert gone() is None
    finally:
        gc.enable()


def test_what_is_read_ahead_is_applied_once_and_in_order(
    config, session, device, journal, monkeypatch
) -> None:
    monkeypatch.setattr(appliers, "MAX_BATCHES", 3)
    batches = [_tube(device, number) for number in range(1, 12)]
    # Swapped and repeated, so that the pieces read ahead are not those that are applied.
    batches[4], batches[5] = batches[5], batches[4]
    journal.append([*batches, batches[0]])
    worker = Applier(config, open_journal(config))
    assert worker.take_lease()
    assert worker.step()
    # Somebody else moves on: what was read ahead no longer follows, and is read anew.
    worker.position = 0
    while worker.step():
        pass
    worker.close()
    assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 22
    outcomes = session.execute(sa.select(EventOutcome.status, EventOutcome.code).distinct()).all()
    assert [tuple(row) for row in outcomes] == [("applied", "")]
    assert session.get(ApplierState, 1).position == 12


def test_the_lag_is_how_old_the_last_applied_batch_is_while_more_waits(
    config, session, device, journal, monkeypatch
) -> None:
    monkeypatch.setattr(appliers, "MAX_BATCHES", 2)
    assert not queries.applier_standing(session).is_running
    late = bulk.micros(clock.now() - dt.timedelta(minutes=7))
    journal.append([_tube(device, number, received_at=late) for number in range(1, 4)])
    worker = Applier(config, journal)
    assert worker.take_lease()
    assert worker.step()
    session.rollback()
    standing = queries.applier_standing(session)
    assert standing.is_running
    assert 420 <= standing.lag_seconds < 480
    while worker.step():
        pass
    worker.close()
    session.rollback()
    assert queries.applier_standing(session) == queries.Standing(3, 0, is_running=True)


def test_few_batches_gather_before_they_are_applied(config, session, device, journal) -> None:
    worker, many = Applier(config, journal), 40
    ends_at = time.monotonic() + 60

    def send() -> None:
        own = open_journal(config)
        for number in range(1, many + 1):
            own.append([_tube(device, number, received_at=bulk.micros(clock.now()))])
            time.sleep(0.02)
        own.close()

    sending = threading.Thread(target=send)
    sending.start()
    worker.run(lambda: worker.position >= many or time.monotonic() > ends_at)
    sending.join()
    worker.close()
    session.rollback()
    times = session.scalars(sa.select(EventOutcome.applied_at)).all()
    assert len(times) >= many
    # They came for 0.8 seconds at least, and each transaction leaves room for what comes next.
    lasted = (max(times) - min(times)).total_seconds()
    assert 2 <= len(set(times)) <= 2 + lasted / appliers.GATHER_SECONDS


def test_the_metrics_tell_the_lag(config, session, device, journal) -> None:
    journal.append([_tube(device, 1, received_at=bulk.micros(clock.now()))])
    worker = Applier(config, journal)
    worker.take_lease()
    worker.step()
    worker.close()

    async def scrape() -> str:
        async with running(Door(config)) as door:
            return (await ask(door, "GET", "/metrics")).body.decode()

    lines = asyncio.run(scrape()).splitlines()
    assert "tram_applier_lag_seconds 0" in lines
    assert "tram_applier_running 1" in lines
    assert "tram_applier_position 1" in lines


def test_batches_applied_long_ago_leave_the_journal_their_outcomes_stay(
    config, session, device, journal
) -> None:
    now = clock.now()
    old = bulk.micros(now - appliers.KEPT - dt.timedelta(hours=1))
    journal.append([_tube(device, 1, received_at=old), _tube(device, 2, received_at=old)])
    journal.append([_tube(device, 3, received_at=bulk.micros(now))])
    worker = Applier(config, journal)
    worker.take_lease()
    assert worker._prune() == 0, "what is not applied is never deleted"
    while worker.step():
        pass
    assert worker._prune() == 2
    assert worker._prune() == 0
    worker.close()
    assert [entry.position for entry in journal.read(0, max_entries=9, max_bytes=1 << 20)] == [3]
    assert session.scalar(sa.select(sa.func.count()).select_from(EventOutcome)) == 12


def _noise(chance: random.Random, whole: bytes) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return whole[: chance.randrange(len(whole))]
    if kind == 2:
        spoiled = bytearray(whole)
        spoiled[chance.randrange(min(120, len(spoiled)))] ^= 1 << chance.randrange(8)
        return bytes(spoiled)
    batch = json.loads(whole)
    batch[chance.choice(["device_id", "batch_id", "seq", "events"])] = chance.choice(
        [None, [], {}, "", -1, 1.5, "x" * 50, [[]] * 3000]
    )
    return json.dumps(batch).encode()


def test_ten_thousand_malformed_bodies_break_nothing(config, session, device, caplog) -> None:
    chance = random.Random(6)
    whole = _tube(device, 1).body
    headers = {"authorization": f"Bearer {device.token}", "content-type": "application/json"}

    async def story() -> set[int]:
        async with running(Door(config)) as door:
            statuses = set()
            for _ in range(MALFORMED):
                body = _noise(chance, whole)
                answer = await ask(door, "POST", "/ingest/v1/batches", body=body, headers=headers)
                statuses.add(answer.status)
            return statuses

    # A flipped bit may leave a batch a batch, or make its device another's.
    assert asyncio.run(story()) <= {202, 400, 401}
    assert not caplog.records
    worker = Applier(config, open_journal(config))
    worker.take_lease()
    while worker.step():
        pass
    worker.close()
    assert "goes to quarantine" not in caplog.text


def test_an_applier_that_hung_in_a_transaction_keeps_nobody_out_and_goes_on(
    config, session, device, journal, caplog
) -> None:
    engine = session.get_bind()
    if engine.dialect.name != "postgresql":
        pytest.skip("on SQLite the write lock is the process's own, and ends with it")
    session.close()
    engine.dispose()
    lease.prepare_connections(engine, hung_seconds=1)
    journal.append([_tube(device, 1, received_at=bulk.micros(clock.now()))])
    worker, ends_at = Applier(config, journal), time.monotonic() + 60
    assert worker.take_lease()
    has_lock, waited = threading.Event(), []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _hang(_connection, _cursor, statement, *_rest) -> None:
        if threading.current_thread() is not threading.main_thread() or waited:
            return
        if has_lock.is_set():
            waited.append(statement)
            time.sleep(4)
        if statement.startswith("UPDATE applier_state SET lease_until"):
            has_lock.set()

    def wait_for_the_row() -> float:
        has_lock.wait()
        began = time.monotonic()
        with engine.begin() as connection:
            connection.execute(sa.select(ApplierState.position).with_for_update())
        return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(wait_for_the_row)
        worker.run(lambda: worker.position == 1 or time.monotonic() > ends_at)
        assert other.result() < 3.5, "the row stayed locked as long as the holder hung"
    worker.close()
    assert len(waited) == 1
    assert "waiting for the database" in caplog.text
    assert session.scalar(sa.select(sa.func.count()).select_from(QuarantinedEvent)) == 0
    assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 2
