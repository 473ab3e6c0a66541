"""How whole the records of each site are, counted in the background."""

import sqlalchemy as sa
from alembic import op
from portal.db import BigId, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_COUNTS = (
    "records", "without_card", "year_only", "without_phone", "without_address", "typed", "whole",
    "took_ms",
)  # fmt: skip


def upgrade() -> None:
    """Makes the table; the worker fills it."""
    op.create_table(
        "completeness_counts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_completeness_counts_campaign_id_campaigns"),
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_completeness_counts_site_id_sites")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_completeness_counts")),
        sa.UniqueConstraint(
            "campaign_id", "site_id", name=op.f("uq_completeness_counts_campaign_id_site_id")
        ),
    )
    op.create_index(op.f("ix_completeness_counts_site_id"), "completeness_counts", ["site_id"])


def downgrade() -> None:
    """Drops it."""
    op.drop_table("completeness_counts")
