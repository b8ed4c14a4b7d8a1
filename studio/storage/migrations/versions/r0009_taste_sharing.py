"""Consent to help other tastes: since when, and the weights that are lent meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; nobody of before has agreed."""
    op.add_column("taste_profiles", sa.Column("sharing_since", sa.DateTime()))
    op.add_column("taste_profiles", sa.Column("lent", sa.JSON()))
    op.add_column("taste_profiles", sa.Column("lent_model", sa.String(200)))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("taste_profiles") as profiles:
        for column in ("lent_model", "lent", "sharing_since"):
            profiles.drop_column(column)
