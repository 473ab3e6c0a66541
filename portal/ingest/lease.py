"""One applier at a time: a lease in the database, with a fencing token that only rises.

The lease decides who works; the fence decides whose work counts. A holder that was away too long
(stopped, or its clock jumped) finds at its next transaction that the fence has moved, and stops.
"""

import datetime as dt
import os
import socket
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult, Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import clock
from portal.ingest.models import ApplierState

LEASE = dt.timedelta(seconds=10)
_ROW = 1


_HUNG_SECONDS = 30


class LeaseLost(Exception):
    """Somebody else holds the lease now; nothing of this transaction may be kept."""


def holder_name() -> str:
    """This process: host, process number, and when it started (numbers come again)."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def _started(pid: int) -> str:
    """Clock ticks after boot at which a process started; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    host, _, rest = holder.partition("/")
    pid, _, started = rest.partition("/")
    return host == socket.gethostname() and pid.isdigit() and _started(int(pid)) != started


def prepare_connections(engine: Engine, hung_seconds: int = _HUNG_SECONDS) -> None:
    """What PostgreSQL should know of an applier's connections; call before the first one.

    It ends a transaction in which the holder has been silent for so long: a holder that hangs, or
    whose machine is gone without a word, would keep the row of the lease locked, and no successor
    could take it. And it need not sync what the holder commits: that is made from the journal,
    which is synced, and its position is part of it. What a crash takes away is applied again.
    """
    if engine.dialect.name != "postgresql":
        return

    @sa.event.listens_for(engine, "connect")
    def _limit(connection: Any, record: object) -> None:
        del record
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{hung_seconds}s'")
            for name, value in (("idle", hung_seconds), ("interval", 5), ("count", 3)):
                cursor.execute(f"SET tcp_keepalives_{name} = {value}")
        connection.commit()


def acquire(session: Session, name: str) -> int | None:
    """The new fence if the lease is free, expired, or its holder died here; else None."""
    if session.get(ApplierState, _ROW) is None:
        try:
            with session.begin_nested():
                session.execute(
                    sa.insert(ApplierState).values(
                        id=_ROW, position=0, fence=0, holder="", is_behind=False
                    )
                )
        except IntegrityError:
            return None
    now = clock.now()
    state = session.execute(
        sa.select(ApplierState.fence, ApplierState.holder, ApplierState.lease_until).where(
            ApplierState.id == _ROW
        )
    ).one()
    # A lease that ends far ahead was written by a clock that has been set back since.
    is_free = (
        state.lease_until is None
        or state.lease_until < now
        or state.lease_until > now + 3 * LEASE
        or state.holder == name
        or _is_dead(state.holder)
    )
    if not is_free:
        return None
    taken = session.execute(
        sa.update(ApplierState)
        .where(ApplierState.id == _ROW, ApplierState.fence == state.fence)
        .values(fence=state.fence + 1, holder=name, lease_until=now + LEASE)
    )
    return state.fence + 1 if _changed(taken) else None


def renew(session: Session, fence: int) -> int:
    """Extends the lease and gives the applied position; first statement of every transaction.

    As a write it takes SQLite's write lock, or locks the row on PostgreSQL, so that nobody else
    applies until the commit.

    Raises:
        LeaseLost: another holder has come.
    """
    renewed = session.execute(
        sa.update(ApplierState)
        .where(ApplierState.id == _ROW, ApplierState.fence == fence)
        .values(lease_until=clock.now() + LEASE)
    )
    if not _changed(renewed):
        raise LeaseLost
    return session.execute(
        sa.select(ApplierState.position).where(ApplierState.id == _ROW)
    ).scalar_one()


def advance(
    session: Session, fence: int, position: int, *, reached_at: dt.datetime | None, is_behind: bool
) -> None:
    """Stores how far the journal is applied, in the transaction of what was applied.

    Raises:
        LeaseLost: another holder has come.
    """
    values = {"position": position, "applied_at": clock.now(), "is_behind": is_behind}
    if reached_at is not None:
        values["reached_at"] = reached_at
    moved = session.execute(
        sa.update(ApplierState)
        .where(ApplierState.id == _ROW, ApplierState.fence == fence)
        .values(values)
    )
    if not _changed(moved):
        raise LeaseLost


def give_up(session: Session, fence: int) -> None:
    """Ends the lease at once, so that a successor need not wait."""
    session.execute(
        sa.update(ApplierState)
        .where(ApplierState.id == _ROW, ApplierState.fence == fence)
        .values(lease_until=None, holder="")
    )


def _changed(result: sa.Result[object]) -> bool:
    return isinstance(result, CursorResult) and result.rowcount == 1
