"""What devices and people ask about the journal's life."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from portal import clock
from portal.ingest.journal import Journal
from portal.ingest.models import ApplierState, EventOutcome


def outcomes_after(
    connection: Connection, *, device_id: int, after: int, limit: int
) -> list[dict[str, Any]]:
    """Outcomes of a device's events above a cursor, in the order they were decided."""
    statement = (
        sa.select(
            EventOutcome.id,
            EventOutcome.event_id,
            EventOutcome.batch_id,
            EventOutcome.status,
            EventOutcome.code,
            EventOutcome.detail,
        )
        .where(EventOutcome.device_id == device_id, EventOutcome.id > after)
        .order_by(EventOutcome.id)
        .limit(limit)
    )
    return [
        {
            "cursor": row.id,
            "event_id": str(row.event_id),
            "batch_id": str(row.batch_id),
            "status": row.status,
            "code": row.code,
            "detail": row.detail,
        }
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the applier fares.

    Attributes:
        position: how far the journal is applied.
        lag_seconds: how old what the screens show is; 0 when everything is applied.
        is_running: whether an applier holds the lease.
    """

    position: int
    lag_seconds: int
    is_running: bool


_NEVER = Standing(0, 0, is_running=False)


def applier_standing(connection: Connection | Session) -> Standing:
    """What the applier last wrote of itself; no journal is opened."""
    row = connection.execute(
        sa.select(
            ApplierState.position,
            ApplierState.reached_at,
            ApplierState.is_behind,
            ApplierState.lease_until,
        ).where(ApplierState.id == 1)
    ).first()
    if row is None:
        return _NEVER
    now = clock.now()
    lag = (now - row.reached_at).total_seconds() if row.is_behind and row.reached_at else 0.0
    is_running = row.lease_until is not None and row.lease_until > now
    return Standing(row.position, max(int(lag), 0), is_running)


def applier_lag(session: Session, journal: Journal) -> int:
    """How many batches of the journal are not applied yet."""
    done = session.scalar(sa.select(ApplierState.position).where(ApplierState.id == 1)) or 0
    return max(journal.last_position() - done, 0)
