"""Quarantined events that a person released: applied once more, by the applier, one at a time."""

import sqlalchemy as sa
import uuid_utils as uuids
from sqlalchemy.orm import Session, undefer

from portal import bulk, clock
from portal.ingest.apply_events import EventApplier, Ready
from portal.ingest.models import Device, EventOutcome, QuarantinedEvent
from portal.ingest.outcomes import Source
from portal.people.known import KnownPeople


def _oldest(session: Session) -> QuarantinedEvent | None:
    return session.scalars(
        sa.select(QuarantinedEvent)
        .where(QuarantinedEvent.status == "again")
        .order_by(QuarantinedEvent.id)
        .limit(1)
        .options(undefer(QuarantinedEvent.body))
    ).first()


def apply_oldest(session: Session, secret_key: str, known: KnownPeople) -> None:
    """Applies the oldest released event; refused again, it comes to quarantine as a new row.

    Its first outcome gives way to the new one, so that the device hears of it by its cursor.
    """
    kept = _oldest(session)
    if kept is None:
        return
    device = session.get_one(Device, kept.device_id)
    if kept.event_id is not None:
        session.execute(
            sa.delete(EventOutcome).where(
                EventOutcome.device_id == kept.device_id, EventOutcome.event_id == kept.event_id
            )
        )
    kept.status = "done"
    session.flush()
    body = b'{"device_id":"%b","batch_id":"%b","seq":1,"events":[%b]}' % (
        str(device.uid).encode(),
        str(uuids.uuid7()).encode(),
        kept.body,
    )
    applier = EventApplier(session, secret_key, known)
    applier.apply([Ready(Source(device.id, device.name, device.site_id, ""), body)])
    applier.outcomes.flush(session, at=bulk.micros(clock.now()))


def put_back_oldest(session: Session) -> None:
    """Opens the oldest released event again: it failed, and the list must not stand still."""
    kept = _oldest(session)
    if kept is not None:
        kept.status = "open"
        session.flush()
