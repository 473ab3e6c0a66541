"""Tickets: faults and wishes of staff."""

import sqlalchemy as sa
from alembic import op
from portal.db import UtcDateTime

revision = "0017"
down_revision = "0016a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback_tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("screen", sa.String(length=120), nullable=False),
        sa.Column("request_number", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["ab_user.id"],
            name=op.f("fk_feedback_tickets_answered_by_id_ab_user"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"],
            name=op.f("fk_feedback_tickets_created_by_id_ab_user"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_profiles.id"],
            name=op.f("fk_feedback_tickets_staff_id_staff_profiles"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_tickets")),
    )
    op.create_index("ix_feedback_tickets_status_id", "feedback_tickets", ["status", "id"])
    op.create_index(
        "ix_feedback_tickets_created_by_id_id", "feedback_tickets", ["created_by_id", "id"]
    )


def downgrade() -> None:
    op.drop_table("feedback_tickets")
