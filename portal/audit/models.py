"""Audit events, the keys of the people in them, and the tree that seals them."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, object_session

from portal.db import BigId, UtcDateTime


class AuditEvent(Model):
    """One write, or one reading of personal data. Written by `portal.audit`, never changed.

    `change` holds `{"column": [before, after]}` for writes; a column with personal values is
    named there with an empty pair, and its values stand in `personal`, encrypted under the key
    of `subject`. Bulk writes name their kind of event and how many rows it stands for.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        sa.Index("ix_audit_events_table_name_row_key", "table_name", "row_key"),
        sa.Index("ix_audit_events_table_name_last_key", "table_name", "last_key"),
    )

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
    # Whose values `personal` holds, e.g. `people/12`; empty for none.
    subject: Mapped[str] = mapped_column(sa.String(40), default="")
    personal: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    # Of an event over many rows the lowest and highest key, to find it by; `change` says which.
    first_key: Mapped[int | None] = mapped_column(sa.BigInteger)
    last_key: Mapped[int | None] = mapped_column(sa.BigInteger)

    @property
    def shown_change(self) -> dict[str, Any]:
        """`change` with the personal values readable, as long as their key exists."""
        from portal.audit import personal

        session = object_session(self)
        return personal.opened(session, self) if session is not None else self.change

    @property
    def place(self) -> int | None:
        """The place in the sealed log; None while it waits for the sealer."""
        session = object_session(self)
        if session is None:
            return None
        return session.scalar(sa.select(AuditLeaf.place).where(AuditLeaf.event_id == self.id))


class SubjectKey(Model):
    """The key under which one person's values stand in the trail; without it they are gone."""

    __tablename__ = "audit_subject_keys"

    subject: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    key: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    erased_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class AuditLeaf(Model):
    """The place of an event in the Merkle tree, and the hash of its entry. Never changed."""

    __tablename__ = "audit_leaves"

    place: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    # No foreign key: a row that was removed must leave its leaf behind.
    event_id: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    leaf: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class AuditHead(Model):
    """A signed head: that the first `size` entries have this root. Never changed."""

    __tablename__ = "audit_heads"

    size: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    key_id: Mapped[str] = mapped_column(sa.String(16))
    signature: Mapped[bytes] = mapped_column(sa.LargeBinary(64))
