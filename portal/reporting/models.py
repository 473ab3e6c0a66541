"""How whole the records of each site were when they were last counted."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import BigId, UtcDateTime


class CompletenessCount(Model):
    """The samples of a site in a campaign that were not withdrawn, and what they lack.

    Written only by `portal.reporting.completeness.count_again`: counting reads every sample and
    person of the campaign, which no page may wait for.
    """

    __tablename__ = "completeness_counts"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "site_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    records: Mapped[int] = mapped_column()
    without_card: Mapped[int] = mapped_column()
    year_only: Mapped[int] = mapped_column()
    without_phone: Mapped[int] = mapped_column()
    without_address: Mapped[int] = mapped_column()
    typed: Mapped[int] = mapped_column()
    whole: Mapped[int] = mapped_column()
    counted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    took_ms: Mapped[int] = mapped_column()
