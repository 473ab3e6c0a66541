"""Certificate and the templates it is printed from."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import BigId, UtcDateTime
from portal.samples.models import Sample


class CertificateTemplate(Model):
    """Texts of a kind of certificate in a language, from a day on; a change is a new version."""

    __tablename__ = "certificate_templates"
    __table_args__ = (sa.UniqueConstraint("kind", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    language: Mapped[str] = mapped_column(sa.String(5), default="vi")
    version: Mapped[int] = mapped_column(default=1)
    texts: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    valid_from: Mapped[dt.date] = mapped_column(sa.Date)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))


class CertificateDraft(Model):
    """Texts somebody wrote and somebody else must look at before they count."""

    __tablename__ = "certificate_drafts"
    __table_args__ = (sa.Index("ix_certificate_drafts_kind_language", "kind", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    language: Mapped[str] = mapped_column(sa.String(5))
    texts: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    valid_from: Mapped[dt.date] = mapped_column(sa.Date)
    # `waiting`, `activated` or `discarded`.
    status: Mapped[str] = mapped_column(sa.String(10), default="waiting", index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    template_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certificate_templates.id"))


class TrustedSigner(Model):
    """A foreign signer of HC1 certificates that an administrator trusts.

    `kid` is the first eight bytes of the certificate's SHA-256, in hexadecimal digits. A signer
    is removed by a date, never deleted: what was verified under it can be explained later.
    """

    __tablename__ = "trusted_signers"
    __table_args__ = (sa.Index("ix_trusted_signers_removed_at", "removed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(sa.String(16), index=True)
    country: Mapped[str] = mapped_column(sa.String(3), default="")
    subject: Mapped[str] = mapped_column(sa.String(200), default="")
    # Kinds of certificates it may sign, `test vaccination recovery`; empty: all of them.
    usages: Mapped[str] = mapped_column(sa.String(60), default="")
    certificate: Mapped[str] = mapped_column(sa.Text)
    valid_from: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    removed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    removal_reason: Mapped[str] = mapped_column(sa.String(160), default="")


class Certificate(Model):
    """One issue of a certificate: what it said then (`snapshot`), and what became of it.

    The paper itself is not stored: it is made again, byte for byte, from the snapshot. `number`
    counts the issues of a sample; `facts_sha256` tells whether a new one would say the same.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        sa.UniqueConstraint("sample_id", "number"),
        sa.Index("ix_certificates_site_id_id", "site_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    sample_id: Mapped[int] = mapped_column(sa.ForeignKey("samples.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    template_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certificate_templates.id"))
    number: Mapped[int] = mapped_column(default=1)
    facts_sha256: Mapped[str] = mapped_column(sa.String(64))
    snapshot: Mapped[dict] = mapped_column(sa.JSON)  # type: ignore[type-arg]
    result_version: Mapped[int] = mapped_column(default=1)
    issued_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(sa.String(10), default="valid", index=True)
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certificates.id"))
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ending_reason: Mapped[str] = mapped_column(sa.String(160), default="")

    sample: Mapped[Sample] = relationship()


class CorrectionRequest(Model):
    """A citizen says that something about them is wrong; staff answer it."""

    __tablename__ = "correction_requests"
    __table_args__ = (sa.Index("ix_correction_requests_site_id_id", "site_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int | None] = mapped_column(sa.ForeignKey("samples.id"), index=True)
    declaration_id: Mapped[int | None] = mapped_column(sa.ForeignKey("declarations.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    message: Mapped[str] = mapped_column(sa.String(500))
    status: Mapped[str] = mapped_column(sa.String(10), default="open", index=True)
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(sa.String(300), default="")
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    version: Mapped[int] = mapped_column(default=1)

    sample: Mapped[Sample | None] = relationship()
