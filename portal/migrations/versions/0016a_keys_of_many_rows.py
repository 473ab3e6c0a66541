"""The lowest and highest key of an audit event over many rows, to find who saw a row."""

import sqlalchemy as sa
from alembic import op

revision = "0016a"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("first_key", sa.BigInteger(), nullable=True))
    op.add_column("audit_events", sa.Column("last_key", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_audit_events_table_name_last_key", "audit_events", ["table_name", "last_key"]
    )


def downgrade() -> None:
    op.drop_index("ix_audit_events_table_name_last_key", "audit_events")
    op.drop_column("audit_events", "last_key")
    op.drop_column("audit_events", "first_key")
