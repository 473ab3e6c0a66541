"""Comparing everybody stored, asked for by `tram people propose`."""

import sqlalchemy as sa
from alembic import op
from portal.db import BigId, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_sweeps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("after_id", BigId, nullable=False),
        sa.Column("until_id", BigId, nullable=False),
        sa.Column("found_count", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_sweeps")),
    )


def downgrade() -> None:
    op.drop_table("person_sweeps")
