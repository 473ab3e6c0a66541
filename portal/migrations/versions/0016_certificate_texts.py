"""Drafts of certificate texts, and the trusted signers of HC1 certificates."""

import sqlalchemy as sa
from alembic import op
from portal.db import UtcDateTime

revision = "0016"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate_drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("template_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["ab_user.id"],
            name=op.f("fk_certificate_drafts_created_by_id_ab_user"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["ab_user.id"],
            name=op.f("fk_certificate_drafts_decided_by_id_ab_user"),
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["certificate_templates.id"],
            name=op.f("fk_certificate_drafts_template_id_certificate_templates"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_drafts")),
    )
    op.create_index(
        "ix_certificate_drafts_kind_language", "certificate_drafts", ["kind", "language"]
    )
    op.create_index(op.f("ix_certificate_drafts_status"), "certificate_drafts", ["status"])
    op.create_table(
        "trusted_signers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("usages", sa.String(length=60), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_by_id", sa.Integer(), nullable=True),
        sa.Column("removal_reason", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["ab_user.id"], name=op.f("fk_trusted_signers_added_by_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["removed_by_id"],
            ["ab_user.id"],
            name=op.f("fk_trusted_signers_removed_by_id_ab_user"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_signers")),
    )
    op.create_index(op.f("ix_trusted_signers_kid"), "trusted_signers", ["kid"])
    op.create_index(op.f("ix_trusted_signers_removed_at"), "trusted_signers", ["removed_at"])


def downgrade() -> None:
    op.drop_table("trusted_signers")
    op.drop_table("certificate_drafts")
