"""How good pictures are; those of before have no scores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns."""
    op.add_column("pictures", sa.Column("likeness", sa.Double()))
    op.add_column("pictures", sa.Column("prompt_score", sa.Double()))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("pictures") as pictures:
        pictures.drop_column("prompt_score")
        pictures.drop_column("likeness")
