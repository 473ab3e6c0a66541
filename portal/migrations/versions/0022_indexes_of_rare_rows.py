"""Indexes of what few rows have; an index over NULLs is chosen for IS NULL and reads the table."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# table, column: the index of the same name holds from now on only the rows that have a value.
_SPARSE = (
    ("samples", "retest_of_id"),
    ("samples", "retest_due_at"),
    ("people", "merged_into_id"),
    ("lab_results", "pool_id"),
    ("lab_results", "amends_id"),
    ("pools", "design_id"),
)
_AGAIN = "state IN ('RETEST_DUE', 'SUSPECT_POOL')"


def _make(name: str, table: str, columns: list[str], where: str | None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def upgrade() -> None:
    """Makes the indexes small, and more."""
    for table, column in _SPARSE:
        op.drop_index(f"ix_{table}_{column}", table)
        _make(f"ix_{table}_{column}", table, [column], f"{column} IS NOT NULL")
    _make("ix_samples_to_sample_again", "samples", ["site_id"], _AGAIN)
    _make(
        "ix_lab_results_laboratory_id_amends_id", "lab_results", ["laboratory_id", "amends_id"],
        "amends_id IS NOT NULL",
    )  # fmt: skip
    op.drop_index("ix_lab_results_laboratory_id", "lab_results")
    _make("ix_lab_results_laboratory_id_run_id", "lab_results", ["laboratory_id", "run_id"], None)
    _make("ix_tubes_laboratory_id_id", "tubes", ["laboratory_id", "id"], None)
    _make(
        "ix_tubes_tested", "tubes",
        ["campaign_id", "outcome", "sample_count", "collection_session_id"], "outcome != ''",
    )  # fmt: skip
    _make(
        "ix_tubes_laboratory_id_received_at", "tubes", ["laboratory_id", "received_at"],
        "received_at IS NOT NULL",
    )  # fmt: skip


def downgrade() -> None:
    """As before."""
    op.drop_index("ix_tubes_laboratory_id_received_at", "tubes")
    op.drop_index("ix_tubes_tested", "tubes")
    op.drop_index("ix_tubes_laboratory_id_id", "tubes")
    op.drop_index("ix_lab_results_laboratory_id_run_id", "lab_results")
    op.create_index("ix_lab_results_laboratory_id", "lab_results", ["laboratory_id"])
    op.drop_index("ix_lab_results_laboratory_id_amends_id", "lab_results")
    op.drop_index("ix_samples_to_sample_again", "samples")
    for table, column in _SPARSE:
        op.drop_index(f"ix_{table}_{column}", table)
        op.create_index(f"ix_{table}_{column}", table, [column])
