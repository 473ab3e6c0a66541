"""Audit events."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import BigId, UtcDateTime


class AuditEvent(Model):
    """One write, or one reading of personal data. Written by `portal.audit`, never changed.

    `change` holds `{"column": [before, after]}` for writes. Bulk writes name their kind of
    event and how many rows it stands for.
    """

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index("ix_audit_events_table_name_row_key", "table_name", "row_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    action: Mapped[str] = mapped_column(sa.String(40))
    table_name: Mapped[str] = mapped_column(sa.String(40))
    row_key: Mapped[str] = mapped_column(sa.String(40), default="")
    row_count: Mapped[int] = mapped_column(default=1)
    actor_kind: Mapped[str] = mapped_column(sa.String(8))
    actor_name: Mapped[str] = mapped_column(sa.String(80))
    actor_user_id: Mapped[int | None] = mapped_column(index=True)
    change: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    purpose: Mapped[str] = mapped_column(sa.String(120), default="")
    request_id: Mapped[str] = mapped_column(sa.String(36), default="")
