"""What devices and people ask about the journal's life."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.ingest.models import EventOutcome


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
