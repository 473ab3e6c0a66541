"""A ticket: what somebody found difficult or would like, on which screen, and the answer."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import StaffProfile
from portal.db import UtcDateTime


class FeedbackTicket(Model):
    """One ticket of one staff member; it names a screen and a request, never a person.

    `screen` is the pattern of the address, without keys of rows; `request_number` is what an
    error page showed, by which the logs are searched.
    """

    __tablename__ = "feedback_tickets"
    __table_args__ = (
        sa.Index("ix_feedback_tickets_status_id", "status", "id"),
        sa.Index("ix_feedback_tickets_created_by_id_id", "created_by_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    status: Mapped[str] = mapped_column(sa.String(10), default="open")
    screen: Mapped[str] = mapped_column(sa.String(120), default="")
    request_number: Mapped[str] = mapped_column(sa.String(36), default="")
    text: Mapped[str] = mapped_column(sa.Text)
    answer: Mapped[str] = mapped_column(sa.Text, default="")
    staff_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_profiles.id"))
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    answered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    staff: Mapped[StaffProfile | None] = relationship()
