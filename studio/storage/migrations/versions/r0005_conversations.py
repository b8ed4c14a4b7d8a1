"""Conversations, and what a person agreed to have remembered about themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None

_ID = sa.String(32)
_OWNER = sa.String(64)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "conversations",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("id", "owner", name="uq_conversations_id_owner"),
    )
    op.create_table(
        "messages",
        sa.Column("id", _ID, primary_key=True),
        *_of("conversation", "conversations", "fk_messages_conversation"),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("ending", sa.String(16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("id", "owner", name="uq_messages_id_owner"),
    )
    op.create_table(
        "chat_pictures",
        sa.Column("id", _ID, primary_key=True),
        *_of("message", "messages", "fk_chat_pictures_message"),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(200), nullable=True),
        sa.Column("boxes", sa.JSON(), nullable=True),
        sa.Column("kinds", sa.JSON(), nullable=True),
        sa.Column("looks", sa.LargeBinary(), nullable=True),
    )
    op.create_table(
        "notes",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner", _OWNER, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_in", sa.String(200), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_conversations_owner_changed", "conversations", ["owner", "changed_at"])
    op.create_index("ix_messages_conversation_owner", "messages", ["conversation_id", "owner"])
    op.create_index("ix_chat_pictures_message_owner", "chat_pictures", ["message_id", "owner"])
    op.create_index("ix_chat_pictures_file", "chat_pictures", ["file"])
    op.create_index("ix_notes_owner_id", "notes", ["owner", "id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("notes", "chat_pictures", "messages", "conversations"):
        op.drop_table(table)


def _of(what: str, table: str, constraint: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(f"{what}_id", _ID, nullable=False),
        sa.Column("owner", _OWNER, nullable=False),
        sa.ForeignKeyConstraint(
            [f"{what}_id", "owner"], [f"{table}.id", f"{table}.owner"], name=constraint, ondelete="CASCADE"
        ),
    ]
