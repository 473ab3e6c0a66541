"""Campaign, collection session, dated pool policy, hourly counts."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import BigId, UtcDateTime
from portal.sites.models import Site


class Campaign(Model):
    """A round of testing. Disease and texts are data: nothing here says COVID-19 in code."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[str] = mapped_column(sa.String(160))
    disease: Mapped[str] = mapped_column(sa.String(80))
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    starts_on: Mapped[dt.date] = mapped_column(sa.Date)
    ends_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    status: Mapped[str] = mapped_column(sa.String(12), default="planned", index=True)
    target_people_count: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[AdminUnit] = relationship()

    def __repr__(self) -> str:
        return self.name


class PoolPolicy(Model):
    """Pool rules of a campaign from a day on; the rule of the day of collection counts.

    `document` names the decision the rule comes from.
    """

    __tablename__ = "pool_policies"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "method", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    method: Mapped[str] = mapped_column(sa.String(12))
    valid_from: Mapped[dt.date] = mapped_column(sa.Date)
    default_size: Mapped[int] = mapped_column(default=5)
    max_size: Mapped[int] = mapped_column(default=10)
    retest_deadline_hours: Mapped[int] = mapped_column(default=24)
    result_deadline_hours: Mapped[int] = mapped_column(default=24)
    allows_symptomatic: Mapped[bool] = mapped_column(default=False)
    document: Mapped[str] = mapped_column(sa.String(160), default="")

    campaign: Mapped[Campaign] = relationship()


class CollectionSession(Model):
    """One sitting of a team at a site on a day; devices scan its code to begin."""

    __tablename__ = "collection_sessions"
    __table_args__ = (sa.Index("ix_collection_sessions_site_id_held_on", "site_id", "held_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    held_on: Mapped[dt.date] = mapped_column(sa.Date)
    method: Mapped[str] = mapped_column(sa.String(12), default="pcr")
    specimen_type: Mapped[str] = mapped_column(sa.String(24), default="nasopharyngeal")
    pool_size: Mapped[int] = mapped_column(default=5)
    status: Mapped[str] = mapped_column(sa.String(12), default="planned", index=True)
    opened_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    version: Mapped[int] = mapped_column(default=1)

    campaign: Mapped[Campaign] = relationship()
    site: Mapped[Site] = relationship()
    area: Mapped[AdminUnit] = relationship()

    def __repr__(self) -> str:
        return self.code


class HourlyCount(Model):
    """How often something happened at a site in an hour: what dashboards add up.

    Changed only by `portal.campaigns.counters`, in the transaction of the fact itself;
    a test recounts the facts and compares.
    """

    __tablename__ = "hourly_counts"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "site_id", "hour", "measure"),
        sa.Index("ix_hourly_counts_campaign_id_measure", "campaign_id", "measure"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    hour: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    measure: Mapped[str] = mapped_column(sa.String(24))
    count: Mapped[int] = mapped_column(default=0)
