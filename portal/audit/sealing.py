"""The sealer: gives every event its place in the Merkle tree and signs the head.

It runs beside everything else (`tram audit seal`, a part of `tram serve`), so that no write waits
for it. Any number of sealers may run: the place is a primary key, and each takes over what the
others sealed. One killed at any moment has sealed a round or nothing of it.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

import core_rs
from portal import clock, db
from portal.actors import system
from portal.audit import heads
from portal.audit.entries import EVENTS, entry_of, select
from portal.audit.heads import Head
from portal.audit.models import AuditHead, AuditLeaf

log = logging.getLogger("tram.audit")

INTERVAL_SECONDS = 5.0
ROUND_SIZE = 5_000
# A transaction may commit after one that took a higher number. Each round looks again at what is
# younger than this; each hour at everything.
_LOOK_BACK_SECONDS = 300.0
_SWEEP_SECONDS = 3600.0
_ACTOR = system("sealer")
_LEAVES = AuditLeaf.__table__
_HEADS = AuditHead.__table__
_LOCK = 0x7472616D  # "tram": the advisory lock of PostgreSQL that sealers share


class LogChanged(Exception):
    """What is stored of the sealed log is not what was signed."""


class Sealer:
    """Seals one installation's trail. `step` until there is nothing to seal."""

    def __init__(self, var_dir: Path) -> None:
        self._var_dir = var_dir
        self._key = heads.load_key(var_dir)
        self._running = core_rs.RunningRoot()
        self._is_checked = False
        self._floor = 0  # events up to this one need no look; the first round looks at all
        self._swept_at = time.monotonic()

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Seals every few seconds until told to stop."""
        while not should_stop():
            try:
                sealed_count = self.step()
            except IntegrityError:
                continue  # another sealer was first; its leaves are taken over
            except OperationalError as error:
                log.error("waiting for the database: %s", type(error).__name__)  # noqa: TRY400
                sealed_count = 0
            except LogChanged as fault:
                log.critical("NOT sealing: %s. See docs/audit.md.", fault)
                sealed_count = 0
            if sealed_count < ROUND_SIZE:
                _pause(INTERVAL_SECONDS, should_stop)

    def step(self) -> int:
        """Seals what waits, one round at most; how many events.

        Raises:
            LogChanged: the stored leaves do not have the root that was signed last.
        """
        before, floor = self._running.copy(), self._floor
        try:
            with db.transaction(_ACTOR) as session:
                head, sealed_count = self._round(session)
        except BaseException:
            self._running, self._floor = before, floor
            raise
        if head is not None:
            self._file()
        return sealed_count

    def _round(self, session: Session) -> tuple[Head | None, int]:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        self._take_over(session)
        rows = list(
            session.connection()
            .execute(
                select()
                .outerjoin(_LEAVES, _LEAVES.c.event_id == EVENTS.c.id)
                .where(EVENTS.c.id > self._floor, _LEAVES.c.event_id.is_(None))
                .order_by(EVENTS.c.id)
                .limit(ROUND_SIZE)
            )
            .mappings()
        )
        self._floor = rows[-1]["id"] if len(rows) == ROUND_SIZE else self._next_floor(session)
        if not rows:
            return None, 0
        first = len(self._running)
        hashes = self._running.add([entry_of(row) for row in rows])
        session.connection().execute(
            sa.insert(_LEAVES),
            [
                {
                    "place": first + number,
                    "event_id": row["id"],
                    "leaf": hashes[32 * number : 32 * number + 32],
                }
                for number, row in enumerate(rows)
            ],
        )
        head = self._key.head(len(self._running), self._running.root(), clock.now())
        session.connection().execute(sa.insert(_HEADS), [_row_of(head)])
        return head, len(rows)

    def _take_over(self, session: Session) -> None:
        """Adds the leaves that were sealed before this start, or by another sealer."""
        for chunk in _leaves_from(session, len(self._running)):
            self._running.add_leaves(chunk)
        if self._is_checked:
            return
        last = newest_head(session)
        size = last.size if last else 0
        if size != len(self._running) or (last and last.root != self._running.root()):
            message = f"the stored leaves do not have the root signed over {size} entries"
            raise LogChanged(message)
        filed = heads.last_filed(self._var_dir)
        if filed > size:
            message = f"heads were signed up to {filed} entries, the database knows {size}"
            raise LogChanged(message)
        self._is_checked = True
        self._file()

    def _next_floor(self, session: Session) -> int:
        """Everything up to this event was written so long ago that nothing can come before it."""
        if time.monotonic() - self._swept_at > _SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            return 0
        before = clock.now() - dt.timedelta(seconds=_LOOK_BACK_SECONDS)
        statement = sa.select(EVENTS.c.id).where(EVENTS.c.at < before)
        newest = statement.order_by(EVENTS.c.at.desc(), EVENTS.c.id.desc()).limit(1)
        return int(session.connection().execute(newest).scalar() or 0)

    def _file(self) -> None:
        """Writes outside the database whatever head is not there yet."""
        filed = heads.last_filed(self._var_dir)
        session = db.db_session()
        try:
            heads.file_heads(self._var_dir, heads_after(session, filed))
        finally:
            session.rollback()


def _pause(seconds: float, should_stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not should_stop():
        time.sleep(0.1)


def _leaves_from(session: Session, place: int) -> list[bytes]:
    """The leaves from a place on, without a gap, in pieces.

    Raises:
        LogChanged: a leaf is missing.
    """
    pieces = []
    rows = session.connection().execute(
        sa.select(_LEAVES.c.place, _LEAVES.c.leaf)
        .where(_LEAVES.c.place >= place)
        .order_by(_LEAVES.c.place)
    )
    for part in rows.partitions(10_000):
        for row in part:
            if row.place != place:
                message = f"the leaf of entry {place} is missing"
                raise LogChanged(message)
            place += 1
        pieces.append(b"".join(row.leaf for row in part))
    return pieces


def _row_of(head: Head) -> dict[str, object]:
    return {
        "size": head.size,
        "root": head.root,
        "at": head.at,
        "key_id": head.key_id,
        "signature": head.signature,
    }


def _head_of(row: sa.RowMapping) -> Head:
    return Head(row["size"], bytes(row["root"]), row["at"], row["key_id"], bytes(row["signature"]))


def stored_leaves(session: Session, size: int) -> bytes:
    """The leaf hashes of the first `size` entries; zeros where one is missing."""
    rows = session.connection().execute(
        sa.select(_LEAVES.c.place, _LEAVES.c.leaf).where(_LEAVES.c.place < size)
    )
    leaves = bytearray(32 * size)
    for part in rows.partitions(10_000):
        for place, leaf in part:
            leaves[32 * place : 32 * place + 32] = leaf
    return bytes(leaves)


def newest_head(session: Session) -> Head | None:
    """The last signed head; None before the first."""
    statement = sa.select(*_HEADS.c).order_by(_HEADS.c.size.desc()).limit(1)
    row = session.connection().execute(statement).mappings().first()
    return _head_of(row) if row else None


def heads_after(session: Session, size: int) -> list[Head]:
    """The signed heads over more entries than `size`, in order."""
    statement = sa.select(*_HEADS.c).where(_HEADS.c.size > size).order_by(_HEADS.c.size)
    return [_head_of(row) for row in session.connection().execute(statement).mappings()]


def heads_of_days(session: Session) -> list[Head]:
    """The last head of each day (UTC), in order: what auditors are likely to hold."""
    day = sa.func.date(_HEADS.c.at)
    last = sa.select(sa.func.max(_HEADS.c.size)).group_by(day)
    statement = sa.select(*_HEADS.c).where(_HEADS.c.size.in_(last)).order_by(_HEADS.c.size)
    return [_head_of(row) for row in session.connection().execute(statement).mappings()]


def count_unsealed(session: Session) -> int:
    """How many events wait for the sealer.

    Looks back to an hour before the newest head: the sealer looks again at everything older
    each hour.
    """
    head = newest_head(session)
    statement = (
        sa.select(sa.func.count())
        .select_from(EVENTS)
        .outerjoin(_LEAVES, _LEAVES.c.event_id == EVENTS.c.id)
        .where(_LEAVES.c.event_id.is_(None))
    )
    if head is not None:
        statement = statement.where(EVENTS.c.at >= head.at - dt.timedelta(seconds=_SWEEP_SECONDS))
    return int(session.connection().execute(statement).scalar_one())
