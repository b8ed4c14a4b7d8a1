"""Pictures that others are to look like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns."""
    for table in ("pictures", "drawings"):
        op.add_column(table, sa.Column("reference", sa.String(80)))
        op.create_index(f"ix_{table}_reference", table, ["reference"])


def downgrade() -> None:
    """Drop them."""
    for table in ("drawings", "pictures"):
        op.drop_index(f"ix_{table}_reference", table)
        with op.batch_alter_table(table) as records:
            records.drop_column("reference")
