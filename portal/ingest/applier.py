"""The applier: takes the journal in order and makes it true, in bulk, exactly once.

One works at a time (`lease`). Position, rows, counters, audit and outcomes are written in one
transaction, so that it may be stopped anywhere. An event that fails in a way nobody foresaw is
found by halving, put into quarantine, and never stops the rest.
"""

import datetime as dt
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from portal import bulk, clock, db
from portal.actors import system
from portal.audit.services import COVERED
from portal.ingest import again, lease
from portal.ingest.apply_events import EventApplier, ReadAhead, Ready
from portal.ingest.columns import Events, raw_event
from portal.ingest.journal import Entry, Journal, JournalDown
from portal.ingest.lease import LeaseLost
from portal.ingest.models import Device, HeldBatch, QuarantinedEvent
from portal.ingest.ordering import Arrived, Plan, Standing, plan
from portal.ingest.outcomes import Outcomes, Source
from portal.people.known import KnownPeople
from portal.samples.registration import refuse
from portal.settings import Settings

log = logging.getLogger("tram.applier")

_Piece = tuple[list[Entry], ReadAhead]

ACTOR = system("applier")
# The most in one transaction: the more is waiting, the less each costs. While SQLite writes, nobody
# else does.
MAX_BATCHES = 4000
MAX_BYTES, MAX_BYTES_ON_SQLITE = 4 << 20, 2 << 20
IDLE_SECONDS = 0.05
# After fewer batches than this more may come together first: a transaction of a few costs nearly as
# much as one of many, and what it costs others lack.
SMALL, GATHER_SECONDS = 100, 0.2
GAP = dt.timedelta(seconds=300)
SAVE_SECONDS = 300.0
# Applied batches stay this long: a database restored from a backup is made whole from them.
KEPT = dt.timedelta(days=14)
# Few enough that the door never waits for it.
PRUNED_AT_ONCE = 500


class Applier:
    """Applies one journal to one database."""

    def __init__(self, settings: Settings, journal: Journal, *, gap: dt.timedelta = GAP) -> None:
        self._secret_key = settings.secret_key
        self._journal = journal
        self._max_bytes = MAX_BYTES_ON_SQLITE if settings.is_sqlite else MAX_BYTES
        self._gap = gap
        self._fence: int | None = None
        self._known = KnownPeople(settings.var_dir / "people")
        self._index_saved = time.monotonic()
        self._gather_seconds = 0.0  # after the step
        # The journal is read, and what it holds is parsed, while earlier entries are written.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._next: tuple[int, Future[_Piece]] | None = None
        self.position = 0
        self.applied_count = 0

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Works until told to stop; waits while another applier holds the lease."""
        renewed = 0.0
        while not should_stop():
            try:
                if self._fence is None and not self.take_lease():
                    time.sleep(0.5)
                    continue
                began = time.monotonic()
                if self.step():
                    time.sleep(max(0.0, began + self._gather_seconds - time.monotonic()))
                else:
                    if time.monotonic() - renewed > lease.LEASE.total_seconds() / 4:
                        self._renew()
                        sweeps_on = self._keep_index()
                        self._prune()
                        renewed = 0.0 if sweeps_on else time.monotonic()
                    time.sleep(IDLE_SECONDS)
            except LeaseLost:
                log.warning("another applier took over")
                self._fence = None
            except (DBAPIError, JournalDown) as error:
                if not _is_away(error):
                    raise
                # The database or the journal is away: nothing is lost, the position stands.
                log.error("waiting for the database: %s", type(error).__name__)  # noqa: TRY400
                time.sleep(1.0)
        if self._fence is not None:
            with db.transaction(ACTOR) as session:
                lease.renew(session, self._fence)
                if self._known.unsaved_count:
                    self._known.save(session)
                lease.give_up(session, self._fence)

    def take_lease(self) -> bool:
        """Whether this applier holds the lease now."""
        with db.transaction(ACTOR) as session:
            self._fence = lease.acquire(session, lease.holder_name())
        if self._fence is not None:
            self._renew()
            self._learn_people()
        return self._fence is not None

    def _learn_people(self) -> None:
        """Loads the person index; another applier may have stored people since it was ours."""
        self._known.forget()
        has_more = True
        while has_more:
            with db.transaction(ACTOR) as session:
                lease.renew(session, self._held_fence())
                has_more = self._known.load_next(session)

    def _keep_index(self) -> bool:
        """While nothing arrives: follows corrections made on screens, and saves now and then.

        Whether a comparison of everybody stored is under way, of which this did a piece.
        """
        with db.transaction(ACTOR) as session:
            lease.renew(session, self._held_fence())
            self._known.begin(session)
            sweeps_on = self._known.sweep(session)
            is_due = time.monotonic() - self._index_saved > SAVE_SECONDS
            if is_due and self._known.unsaved_count:
                self._known.save(session)
                self._index_saved = time.monotonic()
        self._known.keep()
        return sweeps_on

    def _renew(self) -> None:
        with db.transaction(ACTOR) as session:
            self.position = lease.renew(session, self._held_fence())

    def _held_fence(self) -> int:
        if self._fence is None:
            raise LeaseLost
        return self._fence

    def step(self) -> bool:
        """Applies the next piece of the journal, and gaps that have waited too long."""
        entries, ahead = self._read_piece()
        is_small = len(entries) < SMALL and self._next is None
        self._gather_seconds = GATHER_SECONDS if is_small else 0.0
        overdue, has_again = self._waiting()
        if has_again:
            self._apply_again()
        if not entries and not overdue:
            return has_again
        self._apply_surely(entries, overdue, ahead)
        return True

    def _read_piece(self) -> _Piece:
        """The next piece of the journal, and the one after it is begun."""
        after, begun = self._next or (-1, None)
        self._next = None
        piece = begun.result() if begun is not None and after == self.position else None
        if piece is None or not piece[0]:
            piece = self._reading.submit(self._read, self.position).result()
        size = sum(len(entry.body) for entry in piece[0])
        if len(piece[0]) == MAX_BATCHES or size > self._max_bytes // 2:  # very likely there is more
            last = piece[0][-1].position
            self._next = (last, self._reading.submit(self._read, last))
        return piece

    def _read(self, after: int) -> _Piece:
        entries = self._journal.read(after, max_entries=MAX_BATCHES, max_bytes=self._max_bytes)
        return entries, ReadAhead([entry.body for entry in entries])

    def _prune(self) -> int:
        """Deletes, while there is nothing to apply, some of what was applied long ago."""
        long_ago = bulk.micros(clock.now() - KEPT)
        asked = self._reading.submit(
            self._journal.prune, self.position + 1, long_ago, most=PRUNED_AT_ONCE
        )
        return asked.result()

    def close(self) -> None:
        """Ends the reading thread; the journal itself is the caller's."""
        self._reading.shutdown(wait=True, cancel_futures=True)

    def _waiting(self) -> tuple[list[int], bool]:
        """Devices whose gap has waited long enough, and whether quarantined events come again."""
        with db.transaction(ACTOR) as session:
            now = clock.now()
            # Held in what is now the future: the clock was set back, and would be waited for.
            is_due = (HeldBatch.held_at < now - self._gap) | (HeldBatch.held_at > now + self._gap)
            overdue = session.scalars(sa.select(HeldBatch.device_id).where(is_due).distinct()).all()
            released = sa.select(QuarantinedEvent.id).where(QuarantinedEvent.status == "again")
            return list(overdue), session.scalar(released.limit(1)) is not None

    def _apply_again(self) -> None:
        """The oldest quarantined event that a person released, in a transaction of its own."""
        with db.transaction(ACTOR) as session:
            lease.renew(session, self._held_fence())
            try:
                with session.begin_nested():
                    again.apply_oldest(session, self._secret_key, self._known)
            except Exception as failure:
                if _is_away(failure):
                    raise
                _log_fault("an event failed again and stays in quarantine", failure)
                again.put_back_oldest(session)
                self._known.drop()
        self._known.keep()

    # -- faults

    def _apply_surely(
        self, entries: Sequence[Entry], overdue: list[int], ahead: ReadAhead | None = None
    ) -> None:
        """Applies entries; what fails for no outside reason is halved until its cause is alone."""
        try:
            self._apply(entries, overdue, ahead)
        except LeaseLost:
            raise
        except Exception as error:
            if _is_away(error):
                raise
            # Whatever it is, it may not stop the rest.
            if len(entries) > 1:
                half = len(entries) // 2
                self._apply_surely(entries[:half], overdue)
                self._apply_surely(entries[half:], [])
                return
            _log_fault("a batch failed and is applied event by event", error)
            self._isolate(entries, overdue)

    def _isolate(self, entries: Sequence[Entry], overdue: list[int]) -> None:
        """Applies what can be of the batches whose turn it is, one event at a time."""
        with db.transaction(ACTOR) as session:
            lease.renew(session, self._held_fence())
            ready = self._plan(session, entries, overdue)[0].ready
            devices = _load_devices(session, {b.device_id for b in ready})
        for batch in ready:
            source = devices[batch.device_id].source
            for place in range(Events([batch.body]).batches[0].event_count):
                try:
                    self._apply_alone(Ready(source, batch.body, frozenset({place})))
                except LeaseLost:
                    raise
                except Exception as failure:
                    if _is_away(failure):
                        raise
                    _log_fault("an event failed and goes to quarantine", failure)
                    self._quarantine(source, batch.body, place, failure)
        try:
            # Every event has its outcome now; only order and position are left to write.
            self._apply(entries, overdue)
        except DBAPIError as failure:
            raise RuntimeError("a batch without events to apply failed") from failure

    def _apply_alone(self, ready: Ready) -> None:
        with db.transaction(ACTOR) as session:
            lease.renew(session, self._held_fence())
            applier = EventApplier(session, self._secret_key, self._known)
            applier.apply([ready])
            applier.outcomes.flush(session, at=bulk.micros(clock.now()))
        self._known.keep()

    def _quarantine(self, source: Source, body: bytes, place: int, failure: Exception) -> None:
        events = Events([body])
        event_id = events.event_id[place]
        said = refuse("failed", f"It can not be applied: {type(failure).__name__}.")
        source = Source(
            source.device_id, source.device_name, source.site_id, events.batches[0].batch_id
        )
        outcomes = Outcomes()
        if event_id:
            outcomes.add(source, event_id, "", events.kind[place], said)
        outcomes.quarantine(source, event_id, raw_event([body], events, place), said)
        with db.transaction(ACTOR) as session:
            lease.renew(session, self._held_fence())
            outcomes.flush(session, at=bulk.micros(clock.now()))

    # -- one transaction

    def _apply(
        self, entries: Sequence[Entry], overdue: list[int], ahead: ReadAhead | None = None
    ) -> None:
        fence = self._held_fence()
        with db.transaction(ACTOR) as session:
            done = lease.renew(session, fence)
            entries = [entry for entry in entries if entry.position > done]
            planned, devices = self._plan(session, entries, overdue)
            applier = EventApplier(session, self._secret_key, self._known, ahead=ahead)
            ready = [Ready(devices[b.device_id].source, b.body) for b in planned.ready]
            count = applier.apply(ready) if ready else 0
            for device_id, first, last in planned.gaps:
                source = devices[device_id].source
                applier.outcomes.find_gap(source.site_id, source.device_name, first, last)
            applier.outcomes.flush(session, at=bulk.micros(clock.now()))
            _store_order(session, planned, devices)
            newest = entries[-1] if entries else None
            position = newest.position if newest else done
            lease.advance(
                session,
                fence,
                position,
                reached_at=bulk.instant(newest.received_at) if newest else None,
                is_behind=self._next is not None,
            )
        self._known.keep()
        self.position = position
        self.applied_count += count

    def _plan(
        self, session: Session, entries: Sequence[Entry], overdue: list[int]
    ) -> tuple[Plan, dict[int, "_Device"]]:
        devices = _load_devices(session, {e.device_id for e in entries} | set(overdue))
        arrived = [
            Arrived(e.device_id, e.seq, e.position, e.body)
            for e in entries
            if e.device_id in devices
        ]
        standings = {device_id: device.standing for device_id, device in devices.items()}
        return plan(arrived, standings, [d for d in overdue if d in devices]), devices


def _is_away(error: Exception) -> bool:
    """Whether the database or the journal is away, or has ended this connection."""
    ended = isinstance(error, DBAPIError) and error.connection_invalidated
    return ended or isinstance(error, OperationalError | JournalDown)


def _log_fault(what: str, fault: Exception) -> None:
    """Where it failed, but not the text of the error: a database's text repeats the row."""
    where = "".join(traceback.format_tb(fault.__traceback__))
    log.error("%s: %s\n%s", what, type(fault).__name__, where)


class _Device:
    """A device of this transaction: whose it is, and where it stands."""

    def __init__(self, key: int, name: str, site_id: int, next_seq: int) -> None:
        self.source = Source(key, name, site_id, "")
        self.standing = Standing(next_seq)


def _load_devices(session: Session, ids: set[int]) -> dict[int, _Device]:
    rows = session.execute(
        sa.select(Device.id, Device.name, Device.site_id, Device.next_seq).where(Device.id.in_(ids))
    )
    devices = {row.id: _Device(row.id, row.name, row.site_id, row.next_seq) for row in rows}
    held = session.execute(
        sa.select(
            HeldBatch.device_id, HeldBatch.seq, HeldBatch.journal_position, HeldBatch.body
        ).where(HeldBatch.device_id.in_(devices))
    )
    for row in held:
        devices[row.device_id].standing.held[row.seq] = Arrived(
            row.device_id, row.seq, row.journal_position, row.body
        )
    return devices


def _store_order(session: Session, planned: Plan, devices: dict[int, _Device]) -> None:
    now = clock.now()
    if planned.released:
        session.execute(
            sa.delete(HeldBatch).where(
                sa.tuple_(HeldBatch.device_id, HeldBatch.seq).in_(list(planned.released))
            )
        )
    if planned.held:
        session.execute(
            sa.insert(HeldBatch),
            [
                {
                    "device_id": b.device_id,
                    "seq": b.seq,
                    "journal_position": b.position,
                    "body": b.body,
                    "held_at": now,
                }
                for b in planned.held
            ],
        )
    if devices:
        session.execute(
            # Where a device stands; `ingest.apply` tells what it sent.
            sa.update(Device).execution_options(audit=COVERED),
            [
                {"id": key, "next_seq": device.standing.next_seq, "last_seen_at": now}
                for key, device in devices.items()
            ],
        )
