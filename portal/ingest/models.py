"""Devices, the applier's position, the outcome of every event. The journal is `journal.py`."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import BigId, UtcDateTime
from portal.ingest import contents
from portal.sites.models import Site


class Device(Model):
    """A scanning device of a site. Its 256-bit token is shown once and kept as SHA-256."""

    __tablename__ = "devices"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid, unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    status: Mapped[str] = mapped_column(sa.String(10), default="active", index=True)
    enrolled_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    enrolled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    next_seq: Mapped[int] = mapped_column(sa.BigInteger, default=1)

    site: Mapped[Site] = relationship()

    def __repr__(self) -> str:
        return self.name


class ApplierState(Model):
    """One row: how far the journal is applied, and who holds the lease to go on.

    The position changes in the transaction of the rows it stands for. `fence` rises with every
    new holder; an applier whose fence is old finds out at its next commit and stops.
    `reached_at` is when the door took the last batch that was applied, `is_behind` whether more
    was waiting then: what is on the screens is as old as that.
    """

    __tablename__ = "applier_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    fence: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    holder: Mapped[str] = mapped_column(sa.String(80), default="")
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    applied_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reached_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    is_behind: Mapped[bool] = mapped_column(default=False)


class EventOutcome(Model):
    """What became of one event. `id` is the cursor devices ask by; it never goes back."""

    __tablename__ = "event_outcomes"
    __table_args__ = (
        sa.UniqueConstraint("device_id", "event_id"),
        sa.Index("ix_event_outcomes_device_id_id", "device_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(sa.ForeignKey("devices.id"))
    event_id: Mapped[uuid.UUID] = mapped_column(sa.Uuid)
    batch_id: Mapped[uuid.UUID] = mapped_column(sa.Uuid)
    status: Mapped[str] = mapped_column(sa.String(12))
    code: Mapped[str] = mapped_column(sa.String(40), default="")
    detail: Mapped[str] = mapped_column(sa.String(200), default="")
    applied_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class HeldBatch(Model):
    """A batch that came before an earlier one of its device, held until the gap closes or ends."""

    __tablename__ = "held_batches"
    __table_args__ = (sa.UniqueConstraint("device_id", "seq"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(sa.ForeignKey("devices.id"))
    seq: Mapped[int] = mapped_column(sa.BigInteger)
    journal_position: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    held_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class QuarantinedEvent(Model):
    """An event that can not be applied: kept with its reason, it never stops the rest."""

    __tablename__ = "quarantined_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(sa.ForeignKey("devices.id"), index=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    event_id: Mapped[uuid.UUID | None] = mapped_column(sa.Uuid)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    code: Mapped[str] = mapped_column(sa.String(40))
    detail: Mapped[str] = mapped_column(sa.String(400), default="")
    status: Mapped[str] = mapped_column(sa.String(10), default="open", index=True)
    quarantined_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    device: Mapped[Device] = relationship()
    site: Mapped[Site] = relationship()

    @property
    def facts(self) -> list[str]:
        """What the event says, in a few words."""
        return contents.facts(self.body)
