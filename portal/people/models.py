"""A person, identifiers, possible duplicates and merges."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import BigId, UtcDateTime


class Person(Model):
    """A person as first registered.

    A merge only sets `merged_into_id`; other rows keep their person.

    `birth_on` is null unless the whole day is known; `birth_year` holds what is known at least.
    `site_id` is the site of first registration, for scope.
    """

    __tablename__ = "people"
    __table_args__ = (
        sa.Index("ix_people_site_id_id", "site_id", "id"),
        sa.Index("ix_people_sort_name_id", "sort_name", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid, unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(120))
    folded_name: Mapped[str] = mapped_column(sa.String(120), index=True)
    # hex of core_rs.sort_key: given name first, Vietnamese letter order, on any database
    sort_name: Mapped[str] = mapped_column(sa.String(320), default="")
    birth_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    birth_year: Mapped[int | None] = mapped_column(sa.SmallInteger)
    sex: Mapped[str] = mapped_column(sa.String(8), default="unknown")
    phone: Mapped[str] = mapped_column(sa.String(20), default="", index=True)
    national_id: Mapped[str] = mapped_column(sa.String(12), default="", index=True)
    address: Mapped[str] = mapped_column(sa.String(240), default="")
    nationality: Mapped[str] = mapped_column(sa.String(2), default="VN")
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    source: Mapped[str] = mapped_column(sa.String(16), default="typed")
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[AdminUnit | None] = relationship()

    def __repr__(self) -> str:
        return self.full_name


class PersonIdentifier(Model):
    """An id that names a person: national_id, cmnd, health_insurance, qid (QĐ 1405), passport."""

    __tablename__ = "person_identifiers"
    __table_args__ = (sa.Index("ix_person_identifiers_kind_value", "kind", "value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    value: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()


class DuplicateCandidate(Model):
    """Two people who may be one: proposed by evidence, decided by a person."""

    __tablename__ = "duplicate_candidates"
    __table_args__ = (
        sa.UniqueConstraint("left_id", "right_id"),
        sa.Index("ix_duplicate_candidates_status_score", "status", "score"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    left_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    right_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    score: Mapped[float] = mapped_column(sa.Float)
    evidence: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    status: Mapped[str] = mapped_column(sa.String(10), default="open")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    left: Mapped[Person] = relationship(foreign_keys=[left_id])
    right: Mapped[Person] = relationship(foreign_keys=[right_id])


class Merge(Model):
    """A merge, append-only; undoing it fills `undone_at` and clears the redirection."""

    __tablename__ = "merges"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kept_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    merged_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    candidate_id: Mapped[int | None] = mapped_column(sa.ForeignKey("duplicate_candidates.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    merged_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    merged_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    undone_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
