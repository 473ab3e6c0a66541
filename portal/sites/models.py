"""A site and its readiness checklist (R12, R21, R22)."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import UtcDateTime


class Site(Model):
    """A place where the health department's people work, with its readiness and fee flag."""

    __tablename__ = "sites"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[str] = mapped_column(sa.String(160))
    kind: Mapped[str] = mapped_column(sa.String(16), index=True)
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    address: Mapped[str] = mapped_column(sa.String(240), default="")
    phone: Mapped[str] = mapped_column(sa.String(20), default="")
    is_fee_charging: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(sa.String(12), default="planned", index=True)
    opened_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[AdminUnit] = relationship()
    readiness: Mapped[list["SiteReadiness"]] = relationship(back_populates="site")

    def __repr__(self) -> str:
        return self.name


class SiteReadiness(Model):
    """One line of a site's checklist: computer, internet, Wi-Fi, scanner, printer, training."""

    __tablename__ = "site_readiness"
    __table_args__ = (sa.UniqueConstraint("site_id", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    item: Mapped[str] = mapped_column(sa.String(24))
    is_ready: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    confirmed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    site: Mapped[Site] = relationship(back_populates="readiness")
