"""Findings and laboratory pools. A tube with several samples is itself the pool of basis swab."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import BigId, UtcDateTime, sparse_index
from portal.samples.models import Sample, Tube
from portal.sites.models import Site


class PoolDesign(Model):
    """Overlapping laboratory pools planned together: an array, or a matrix that was given."""

    __tablename__ = "pool_designs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(8), default="array")
    row_count: Mapped[int] = mapped_column(default=0)
    column_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    laboratory: Mapped[Site] = relationship()


class Pool(Model):
    """A laboratory mix of several tubes (basis `media`), tested together under its own code.

    Of a design: `place` says which of its pools it is, R1 … for rows, C1 … for columns, P1 … of a
    given matrix.
    """

    __tablename__ = "pools"
    __table_args__ = (sparse_index("pools", "design_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(24), unique=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    sealed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(sa.String(12), default="open")
    outcome: Mapped[str] = mapped_column(sa.String(14), default="")
    design_id: Mapped[int | None] = mapped_column(sa.ForeignKey("pool_designs.id"))
    place: Mapped[str] = mapped_column(sa.String(8), default="", server_default="")

    laboratory: Mapped[Site] = relationship()


class PoolMember(Model):
    """A tube in a laboratory pool; `position` is its place in the design, from 0 (else null)."""

    __tablename__ = "pool_members"
    __table_args__ = (sa.UniqueConstraint("pool_id", "tube_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    pool_id: Mapped[int] = mapped_column(sa.ForeignKey("pools.id"), index=True)
    tube_id: Mapped[int] = mapped_column(sa.ForeignKey("tubes.id"), index=True)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    position: Mapped[int | None] = mapped_column(sa.SmallInteger)


class Finding(Model):
    """A contradiction (F1–F16 of `docs/pooling.md`): what it holds, and who closed it, why."""

    __tablename__ = "findings"
    __table_args__ = (sa.Index("ix_findings_status_is_blocking", "status", "is_blocking"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(4))
    is_blocking: Mapped[bool] = mapped_column(default=True)
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    laboratory_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    tube_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tubes.id"), index=True)
    sample_id: Mapped[int | None] = mapped_column(sa.ForeignKey("samples.id"), index=True)
    detail: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    status: Mapped[str] = mapped_column(sa.String(10), default="open")
    found_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    closing_reason: Mapped[str] = mapped_column(sa.String(200), default="")

    tube: Mapped[Tube | None] = relationship()
    sample: Mapped[Sample | None] = relationship()


class RetestVisit(Model):
    """What the team met when it went to sample a person again: reached, refused, moved, died."""

    __tablename__ = "retest_visits"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int] = mapped_column(sa.ForeignKey("samples.id"), index=True)
    outcome: Mapped[str] = mapped_column(sa.String(12))
    note: Mapped[str] = mapped_column(sa.String(160), default="")
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    actor_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    sample: Mapped[Sample] = relationship()
