"""Further names, relations, where facts come from, boxes of photos, what sets a concept apart, and consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

_ID = sa.String(32)
_OWNER = sa.String(64)


def upgrade() -> None:
    """Make the tables and columns; what was told before was said by the person."""
    op.create_table(
        "aliases",
        sa.Column("owner", _OWNER, primary_key=True),
        sa.Column("handle", sa.String(120), primary_key=True),
        sa.Column("concept_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        _to_concept("concept_id", "fk_aliases_concept"),
    )
    op.create_table(
        "relations",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("concept_id", _ID, nullable=False),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("other_id", _ID, nullable=False),
        _to_concept("concept_id", "fk_relations_concept"),
        _to_concept("other_id", "fk_relations_other"),
    )
    op.create_index("ix_aliases_concept_owner", "aliases", ["concept_id", "owner"])
    op.create_index("ix_relations_concept_owner", "relations", ["concept_id", "owner"])
    op.create_index("ix_relations_other_owner", "relations", ["other_id", "owner"])
    # One by one: in batch mode SQLite would rebuild the tables and take everything that hangs on them along.
    op.add_column("concepts", sa.Column("attributes", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("concepts", sa.Column("consent_at", sa.DateTime()))
    op.add_column("photos", sa.Column("box", sa.JSON(none_as_null=True)))
    op.add_column("facts", sa.Column("source", sa.String(16), nullable=False, server_default="said"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("facts", "source")
    op.drop_column("photos", "box")
    op.drop_column("concepts", "consent_at")
    op.drop_column("concepts", "attributes")
    op.drop_table("relations")
    op.drop_table("aliases")


def _to_concept(column: str, constraint: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column, "owner"], ["concepts.id", "concepts.owner"], name=constraint, ondelete="CASCADE"
    )
