"""The tree of administrative units and what became of each."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship


class AdminUnit(Model):
    """A province, district or commune while it existed; names repeat, codes do not within a day.

    `path` is the chain of ids from the province down (`/12/345/`), so that "everything below"
    is one prefix search. Codes are those of the General Statistics Office.
    """

    __tablename__ = "admin_units"
    __table_args__ = (
        sa.UniqueConstraint("level", "code", "valid_from"),
        sa.Index("ix_admin_units_path", "path"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(8))
    level: Mapped[str] = mapped_column(sa.String(10))
    kind: Mapped[str] = mapped_column(sa.String(24))
    name: Mapped[str] = mapped_column(sa.String(80))
    name_folded: Mapped[str] = mapped_column(sa.String(80), index=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    path: Mapped[str] = mapped_column(sa.String(40), default="")
    valid_from: Mapped[dt.date] = mapped_column(sa.Date)
    valid_to: Mapped[dt.date | None] = mapped_column(sa.Date)

    parent: Mapped["AdminUnit | None"] = relationship(remote_side="AdminUnit.id")

    def __repr__(self) -> str:
        return self.name


class AdminUnitSuccession(Model):
    """An old unit and one that took it over; `share` is the part of the old one, 0 to 1."""

    __tablename__ = "admin_unit_successions"
    __table_args__ = (sa.UniqueConstraint("old_id", "new_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    old_id: Mapped[int] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    new_id: Mapped[int] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    share: Mapped[float] = mapped_column(sa.Float, default=1.0)

    old: Mapped[AdminUnit] = relationship(foreign_keys=[old_id])
    new: Mapped[AdminUnit] = relationship(foreign_keys=[new_id])
