"""The worklist: one row for each code of a photo, or for a photo without one."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import BigId, UtcDateTime


class PhotoReading(Model):
    """What one code of a photo says, for whoever uploaded it to work off.

    Attributes:
        file_name: the photo's own name, and before it the name of its ZIP file.
        outcome: see `portal.readings.rules.Outcome`.
        problem: stable code of what hindered reading, "" if nothing did.
        kind: of the payload (`core_rs.Payload.kind`), "" where nothing was read.
        shown: the code that was read; of a number that names a person its last three digits.
        target_id: the tube or declaration that has the code.
        is_settled: whoever works off the list has dealt with it.
    """

    __tablename__ = "photo_readings"
    __table_args__ = (sa.Index("ix_photo_readings_created_by_id_id", "created_by_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    outcome: Mapped[str] = mapped_column(sa.String(12))
    problem: Mapped[str] = mapped_column(sa.String(40), default="")
    kind: Mapped[str] = mapped_column(sa.String(24), default="")
    shown: Mapped[str] = mapped_column(sa.String(40), default="")
    target_id: Mapped[int | None] = mapped_column(BigId)
    is_settled: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
