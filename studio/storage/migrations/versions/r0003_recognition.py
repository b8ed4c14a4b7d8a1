"""Places that somebody named, and the looks of what is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

_ID = sa.String(32)
_OWNER = sa.String(64)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "examples",
        sa.Column("id", _ID, primary_key=True),
        *_of_concept("fk_examples_concept"),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("shows_it", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("concept_id", "file", name="uq_examples_concept_file"),
    )
    op.create_table(
        "looks",
        sa.Column("of", _ID, primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        *_of_concept("fk_looks_concept"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_examples_concept_owner", "examples", ["concept_id", "owner"])
    op.create_index("ix_examples_file", "examples", ["file"])
    op.create_index("ix_looks_owner_model", "looks", ["owner", "model"])
    op.create_index("ix_looks_concept_owner", "looks", ["concept_id", "owner"])


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE IF EXISTS look_vectors")  # there with pgvector only
    op.drop_table("looks")
    op.drop_table("examples")


def _of_concept(constraint: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("concept_id", _ID, nullable=False),
        sa.Column("owner", _OWNER, nullable=False),
        sa.ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name=constraint, ondelete="CASCADE"
        ),
    ]
