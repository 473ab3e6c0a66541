"""Overlapping laboratory pools, and tube labels reserved for retests."""

import sqlalchemy as sa
from alembic import op
from portal.db import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pool_designs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("laboratory_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("column_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_pool_designs_created_by_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["laboratory_id"], ["sites.id"], name=op.f("fk_pool_designs_laboratory_id_sites")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_designs")),
        sa.UniqueConstraint("code", name=op.f("uq_pool_designs_code")),
    )
    op.create_index(
        op.f("ix_pool_designs_laboratory_id"), "pool_designs", ["laboratory_id"], unique=False
    )
    op.create_table(
        "retest_labels",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("reserved_at", UtcDateTime(), nullable=False),
        sa.Column("reserved_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reserved_by_id"], ["ab_user.id"], name=op.f("fk_retest_labels_reserved_by_id_ab_user")
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name=op.f("fk_retest_labels_sample_id_samples")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retest_labels")),
        sa.UniqueConstraint("code", name=op.f("uq_retest_labels_code")),
        sa.UniqueConstraint("sample_id", name=op.f("uq_retest_labels_sample_id")),
    )
    with op.batch_alter_table("pool_members") as batch_op:
        batch_op.add_column(sa.Column("position", sa.SmallInteger(), nullable=True))
    with op.batch_alter_table("pools") as batch_op:
        batch_op.add_column(sa.Column("design_id", KEY, nullable=True))
        batch_op.add_column(
            sa.Column("place", sa.String(length=8), nullable=False, server_default="")
        )
        batch_op.create_index(batch_op.f("ix_pools_design_id"), ["design_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_pools_design_id_pool_designs"), "pool_designs", ["design_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("pools") as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_pools_design_id_pool_designs"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_pools_design_id"))
        batch_op.drop_column("place")
        batch_op.drop_column("design_id")
    with op.batch_alter_table("pool_members") as batch_op:
        batch_op.drop_column("position")
    op.drop_table("retest_labels")
    op.drop_index(op.f("ix_pool_designs_laboratory_id"), table_name="pool_designs")
    op.drop_table("pool_designs")
