"""An index of failed tries alone: the lock of a network counts them among very many look-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_NAME = "ix_lookup_attempts_failed_network_at"


def upgrade() -> None:
    """Adds the index."""
    op.create_index(
        _NAME,
        "lookup_attempts",
        ["network", "at"],
        postgresql_where=sa.text("NOT is_success"),
        sqlite_where=sa.text("is_success = 0"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_index(_NAME, table_name="lookup_attempts")
