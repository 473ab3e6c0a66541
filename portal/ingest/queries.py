"""What devices and people ask about the journal's life."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

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


def applier_lag(session: Session, journal: Journal) -> int:
    """How many batches of the journal are not applied yet; what the coordinator's page shows."""
    done = session.scalar(sa.select(ApplierState.position).where(ApplierState.id == 1)) or 0
    return max(journal.last_position() - done, 0)
