"""Tastes: profiles, their versions, and what people did with pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

_ID = sa.String(32)
_OWNER = sa.String(64)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "taste_profiles",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("handle", sa.String(120), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("collecting", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("owner", "handle", name="uq_taste_profiles_owner_handle"),
        sa.UniqueConstraint("id", "owner", name="uq_taste_profiles_id_owner"),
    )
    op.create_table(
        "taste_versions",
        sa.Column("profile_id", _ID, primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("edits", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("learned", sa.LargeBinary()),
        _profile("fk_taste_versions_profile"),
    )
    op.create_table(
        "taste_events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("profile_id", _ID, nullable=False),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("picture_id", _ID),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("reaction", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("seconds", sa.Double()),
        sa.Column("deliberate", sa.Boolean(), nullable=False),
        sa.Column("pair", sa.String(32), nullable=False),
        sa.Column("look", sa.LargeBinary()),
        sa.Column("look_model", sa.String(200), nullable=False),
        _profile("fk_taste_events_profile"),
        sa.ForeignKeyConstraint(
            ["picture_id", "owner"],
            ["pictures.id", "pictures.owner"],
            name="fk_taste_events_picture",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_taste_versions_profile_owner", "taste_versions", ["profile_id", "owner"])
    op.create_index("ix_taste_events_profile_owner", "taste_events", ["profile_id", "owner"])
    op.create_index("ix_taste_events_picture_owner", "taste_events", ["picture_id", "owner"])
    op.create_index("ix_taste_events_file", "taste_events", ["file"])


def downgrade() -> None:
    """Drop them."""
    for table in ("taste_events", "taste_versions", "taste_profiles"):
        op.drop_table(table)


def _profile(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["profile_id", "owner"], ["taste_profiles.id", "taste_profiles.owner"], name=name, ondelete="CASCADE"
    )
