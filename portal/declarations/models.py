"""Declaration with versions; attempts to look up anything by code."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import BigId, UtcDateTime
from portal.people.models import Person


class Declaration(Model):
    """A health declaration; the columns repeat the current version, for lists and search.

    `lookup_code` opens it together with a second factor, and updates it (R31). `uid` is made
    when the form is opened: a form sent twice makes one declaration.
    """

    __tablename__ = "declarations"
    __table_args__ = (sa.Index("ix_declarations_area_id_id", "area_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid, unique=True)
    lookup_code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(16), default="domestic")
    full_name: Mapped[str] = mapped_column(sa.String(120))
    folded_name: Mapped[str] = mapped_column(sa.String(120), index=True)
    # hex of core_rs.sort_key: given name first, Vietnamese letter order, on any database
    sort_name: Mapped[str] = mapped_column(sa.String(320), default="")
    birth_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    birth_year: Mapped[int | None] = mapped_column(sa.SmallInteger)
    sex: Mapped[str] = mapped_column(sa.String(8), default="unknown")
    phone: Mapped[str] = mapped_column(sa.String(20), default="")
    national_id: Mapped[str] = mapped_column(sa.String(12), default="", index=True)
    address: Mapped[str] = mapped_column(sa.String(240), default="")
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"))
    risk: Mapped[str] = mapped_column(sa.String(8), default="green")
    is_proxy: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(sa.String(10), default="current", index=True)
    withdrawal_reason: Mapped[str] = mapped_column(sa.String(160), default="")
    current_version: Mapped[int] = mapped_column(default=1)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    submitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[AdminUnit | None] = relationship()
    person: Mapped[Person | None] = relationship()
    current: Mapped["DeclarationVersion"] = relationship(
        primaryjoin="and_(DeclarationVersion.declaration_id == Declaration.id, "
        "DeclarationVersion.number == Declaration.current_version)",
        viewonly=True,
        uselist=False,
    )

    def __repr__(self) -> str:
        return self.lookup_code

    @property
    def birth(self) -> str:
        """The day of birth as people write it, or the year alone."""
        return f"{self.birth_on:%d/%m/%Y}" if self.birth_on else str(self.birth_year or "")

    @property
    def symptoms(self) -> list[str]:
        """The symptoms of the current version."""
        return list(self.current.answers.get("symptoms", []))

    @property
    def had_contact(self) -> str:
        """Whether a contact was declared, as the form says it."""
        return "yes" if self.current.answers.get("had_contact") else "no"

    @property
    def travelled(self) -> str:
        """The places of the last days."""
        return str(self.current.answers.get("travelled", ""))


class DeclarationVersion(Model):
    """What was declared each time, as it was; never changed."""

    __tablename__ = "declaration_versions"
    __table_args__ = (sa.UniqueConstraint("declaration_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    declaration_id: Mapped[int] = mapped_column(sa.ForeignKey("declarations.id"), index=True)
    number: Mapped[int] = mapped_column()
    answers: Mapped[dict] = mapped_column(sa.JSON)  # type: ignore[type-arg]
    declared_by: Mapped[str] = mapped_column(sa.String(12), default="self")
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    declaration: Mapped[Declaration] = relationship()


class LookupAttempt(Model):
    """A try to open something by code: counted here, so that every node sees the same lock.

    `code_hash` and `network` are keyed hashes.
    """

    __tablename__ = "lookup_attempts"
    __table_args__ = (
        sa.Index("ix_lookup_attempts_code_hash_at", "code_hash", "at"),
        sa.Index("ix_lookup_attempts_network_at", "network", "at"),
        # The lock of a network counts failures only, of which there are few among very many.
        sa.Index(
            "ix_lookup_attempts_failed_network_at",
            "network",
            "at",
            postgresql_where=sa.text("NOT is_success"),
            sqlite_where=sa.text("is_success = 0"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    door: Mapped[str] = mapped_column(sa.String(12))
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    network: Mapped[str] = mapped_column(sa.String(64))
    is_success: Mapped[bool] = mapped_column(default=False)
