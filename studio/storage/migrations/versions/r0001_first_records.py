"""Concepts with photos and facts, and pictures with their subjects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(32)
_KEY = sa.String(80)
_OWNER = sa.String(64)


def upgrade() -> None:
    """Make the tables."""
    _make_concepts()
    _make_children_of_concepts()
    _make_pictures()
    op.create_index("ix_concepts_adapter", "concepts", ["adapter"])
    op.create_index("ix_photos_concept_owner", "photos", ["concept_id", "owner"])
    op.create_index("ix_photos_file", "photos", ["file"])
    op.create_index("ix_photos_cutout", "photos", ["cutout"])
    op.create_index("ix_facts_concept_owner", "facts", ["concept_id", "owner"])
    op.create_index("ix_pictures_owner_id", "pictures", ["owner", "id"])
    op.create_index("ix_pictures_file", "pictures", ["file"])
    op.create_index("ix_picture_subjects_concept", "picture_subjects", ["owner", "concept_id"])
    op.create_index("ix_picture_subjects_handle", "picture_subjects", ["owner", "handle"])


def downgrade() -> None:
    """Drop them."""
    for table in ("picture_subjects", "pictures", "facts", "photos", "concepts"):
        op.drop_table(table)


def _make_concepts() -> None:
    op.create_table(
        "concepts",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("handle", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("adapter", _KEY),
        sa.Column("adapter_model", sa.String(200)),
        sa.UniqueConstraint("owner", "handle", name="uq_concepts_owner_handle"),
        sa.UniqueConstraint("id", "owner", name="uq_concepts_id_owner"),
    )


def _make_children_of_concepts() -> None:
    op.create_table(
        "photos",
        sa.Column("id", _ID, primary_key=True),
        *_owned_by("concepts", "concept_id", "fk_photos_concept"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file", _KEY, nullable=False),
        sa.Column("cutout", _KEY),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("id", _ID, primary_key=True),
        *_owned_by("concepts", "concept_id", "fk_facts_concept"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
    )


def _make_pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("file", _KEY, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("liked", sa.Boolean()),
        sa.Column("seconds", sa.Double()),
        sa.UniqueConstraint("id", "owner", name="uq_pictures_id_owner"),
    )
    op.create_table(
        "picture_subjects",
        *_owned_by("pictures", "picture_id", "fk_picture_subjects_picture"),
        sa.Column("concept_id", _ID, nullable=False),
        sa.Column("handle", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("picture_id", "concept_id"),
    )


def _owned_by(table: str, column: str, constraint: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(column, _ID, nullable=False),
        sa.Column("owner", _OWNER, nullable=False),
        sa.ForeignKeyConstraint(
            [column, "owner"], [f"{table}.id", f"{table}.owner"], name=constraint, ondelete="CASCADE"
        ),
    ]
