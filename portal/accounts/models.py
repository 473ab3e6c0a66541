"""Staff profiles behind FAB logins, memberships (the row scope of a user), training, imports."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import UtcDateTime
from portal.sites.models import Site


class StaffProfile(Model):
    """A staff member: the login lives in FAB's user, everything of ours here.

    `session_version` is carried in the cookie: raising it ends every session of the account.
    `first_login_hash` is the hash of a one-time code (`rules.hash_first_login`); using the
    code forces a new password.
    """

    __tablename__ = "staff_profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("ab_user.id"), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(120))
    # hex of core_rs.sort_key: given name first, Vietnamese letter order, on any database
    sort_name: Mapped[str] = mapped_column(sa.String(320), index=True)
    phone: Mapped[str] = mapped_column(sa.String(20), default="", index=True)
    position: Mapped[str] = mapped_column(sa.String(80), default="")
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    status: Mapped[str] = mapped_column(sa.String(12), default="invited", index=True)
    expires_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    must_change_password: Mapped[bool] = mapped_column(default=True)
    first_login_hash: Mapped[str] = mapped_column(sa.String(256), default="")
    first_login_expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    session_version: Mapped[int] = mapped_column(default=1)
    failed_login_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    is_demo: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    site: Mapped[Site | None] = relationship()
    area: Mapped[AdminUnit | None] = relationship()

    def __repr__(self) -> str:
        return self.full_name


class SiteMembership(Model):
    """A further site whose rows a staff member may see; the profile's own site is the first."""

    __tablename__ = "site_memberships"
    __table_args__ = (sa.UniqueConstraint("staff_id", "site_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_profiles.id"), index=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)

    staff: Mapped[StaffProfile] = relationship()
    site: Mapped[Site] = relationship()


class Training(Model):
    """A course a staff member attended; without one the account stays closed (R15)."""

    __tablename__ = "trainings"
    __table_args__ = (sa.UniqueConstraint("staff_id", "course", "trained_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_profiles.id"), index=True)
    course: Mapped[str] = mapped_column(sa.String(120))
    trained_on: Mapped[dt.date] = mapped_column(sa.Date)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    staff: Mapped[StaffProfile] = relationship()


class StaffImport(Model):
    """One uploaded staff list: what it made, and the same file with its error column."""

    __tablename__ = "staff_imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    file_sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    row_count: Mapped[int] = mapped_column(default=0)
    created_count: Mapped[int] = mapped_column(default=0)
    unchanged_count: Mapped[int] = mapped_column(default=0)
    error_count: Mapped[int] = mapped_column(default=0)
    answer_file: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    uploaded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    uploaded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class LoginAttempt(Model):
    """Failures and successes at a login door, counted in the database by account and by network.

    `subject` and `network` are keyed hashes: the table names nobody.
    """

    __tablename__ = "login_attempts"
    __table_args__ = (
        sa.Index("ix_login_attempts_subject_at", "subject", "at"),
        sa.Index("ix_login_attempts_network_at", "network", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    door: Mapped[str] = mapped_column(sa.String(16))
    subject: Mapped[str] = mapped_column(sa.String(64))
    network: Mapped[str] = mapped_column(sa.String(64))
    is_success: Mapped[bool] = mapped_column(default=False)
