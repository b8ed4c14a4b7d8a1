"""The tables. Every row carries its owner, and a child's foreign key carries it too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

_ID = String(32)
_KEY = String(80)
_OWNER = String(64)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment; SQLite keeps no time zone, so all are stored in UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take a moment with a time zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Metadata of all tables."""


class ConceptRow(Base):
    """A concept; `handle` is unique for its owner."""

    __tablename__ = "concepts"
    __table_args__ = (
        UniqueConstraint("owner", "handle", name="uq_concepts_owner_handle"),
        UniqueConstraint("id", "owner", name="uq_concepts_id_owner"),
        Index("ix_concepts_adapter", "adapter"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    name: Mapped[str] = mapped_column(String(40))
    handle: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    adapter: Mapped[str | None] = mapped_column(_KEY)
    adapter_model: Mapped[str | None] = mapped_column(String(200))
    attributes: Mapped[str] = mapped_column(Text, server_default=text("''"))
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    photos: Mapped[list[PhotoRow]] = relationship(
        order_by="PhotoRow.position", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )
    facts: Mapped[list[FactRow]] = relationship(
        order_by="FactRow.position", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )
    aliases: Mapped[list[AliasRow]] = relationship(
        order_by="AliasRow.position", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )
    relations: Mapped[list[RelationRow]] = relationship(
        order_by="RelationRow.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
        lazy="selectin",
        foreign_keys="[RelationRow.concept_id, RelationRow.owner]",
    )


class PhotoRow(Base):
    """A photo of a concept and the cut-out made from it."""

    __tablename__ = "photos"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_photos_concept", ondelete="CASCADE"
        ),
        Index("ix_photos_concept_owner", "concept_id", "owner"),
        Index("ix_photos_file", "file"),
        Index("ix_photos_cutout", "cutout"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    position: Mapped[int]
    file: Mapped[str] = mapped_column(_KEY)
    cutout: Mapped[str | None] = mapped_column(_KEY)
    width: Mapped[int]
    height: Mapped[int]
    box: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))


class FactRow(Base):
    """A sentence about a concept."""

    __tablename__ = "facts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_facts_concept", ondelete="CASCADE"
        ),
        Index("ix_facts_concept_owner", "concept_id", "owner"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(16), server_default="said")


class AliasRow(Base):
    """A further name of a concept; that none is another one's first name is for `ConceptRepository` to see to."""

    __tablename__ = "aliases"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_aliases_concept", ondelete="CASCADE"
        ),
        Index("ix_aliases_concept_owner", "concept_id", "owner"),
    )

    owner: Mapped[str] = mapped_column(_OWNER, primary_key=True)
    handle: Mapped[str] = mapped_column(String(120), primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))


class RelationRow(Base):
    """What a concept is to another one; it goes with either of them."""

    __tablename__ = "relations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_relations_concept", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["other_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_relations_other", ondelete="CASCADE"
        ),
        Index("ix_relations_concept_owner", "concept_id", "owner"),
        Index("ix_relations_other_owner", "other_id", "owner"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    position: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    other_id: Mapped[str] = mapped_column(_ID)
    other: Mapped[ConceptRow] = relationship(
        foreign_keys="[RelationRow.other_id, RelationRow.owner]", viewonly=True, lazy="joined", innerjoin=True
    )


class ExampleRow(Base):
    """A place that somebody said shows a concept or does not; `file` is its crop."""

    __tablename__ = "examples"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_examples_concept", ondelete="CASCADE"
        ),
        UniqueConstraint("concept_id", "file", name="uq_examples_concept_file"),
        Index("ix_examples_concept_owner", "concept_id", "owner"),
        Index("ix_examples_file", "file"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    file: Mapped[str] = mapped_column(_KEY)
    shows_it: Mapped[bool]


class LookRow(Base):
    """What a photo or example looks like to a recognition model; made again where it is missing."""

    __tablename__ = "looks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["concept_id", "owner"], ["concepts.id", "concepts.owner"], name="fk_looks_concept", ondelete="CASCADE"
        ),
        Index("ix_looks_owner_model", "owner", "model"),
        Index("ix_looks_concept_owner", "concept_id", "owner"),
    )

    of: Mapped[str] = mapped_column(_ID, primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class PictureRow(Base):
    """A made picture; `recipe` is `studio.domain.generation.Recipe` as JSON, `words` what text search looks in.

    `reference` is the picture that it was to look like; where that is deleted it becomes none.
    """

    __tablename__ = "pictures"
    __table_args__ = (
        UniqueConstraint("id", "owner", name="uq_pictures_id_owner"),
        Index("ix_pictures_owner_id", "owner", "id"),
        Index("ix_pictures_file", "file"),
        Index("ix_pictures_reference", "reference"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    file: Mapped[str] = mapped_column(_KEY)
    width: Mapped[int]
    height: Mapped[int]
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    words: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    liked: Mapped[bool | None]
    seconds: Mapped[float | None] = mapped_column(Double)
    likeness: Mapped[float | None] = mapped_column(Double)
    prompt_score: Mapped[float | None] = mapped_column(Double)
    reference: Mapped[str | None] = mapped_column(_KEY)
    subjects: Mapped[list[PictureSubjectRow]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class PictureSubjectRow(Base):
    """A concept a picture shows. No foreign key to the concept: the picture stays when the concept is forgotten."""

    __tablename__ = "picture_subjects"
    __table_args__ = (
        ForeignKeyConstraint(
            ["picture_id", "owner"],
            ["pictures.id", "pictures.owner"],
            name="fk_picture_subjects_picture",
            ondelete="CASCADE",
        ),
        Index("ix_picture_subjects_concept", "owner", "concept_id"),
        Index("ix_picture_subjects_handle", "owner", "handle"),
    )

    picture_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    concept_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    handle: Mapped[str] = mapped_column(String(120))


class DrawingRow(Base):
    """A drawing that has not ended; `request` is `studio.domain.generation.GenerateRequest` as JSON.

    `reference` is the picture that it is to look like.
    """

    __tablename__ = "drawings"
    __table_args__ = (Index("ix_drawings_owner_id", "owner", "id"), Index("ix_drawings_reference", "reference"))

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    process: Mapped[str] = mapped_column(_ID)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    reference: Mapped[str | None] = mapped_column(_KEY)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StyleLoraRow(Base):
    """A style LoRA; `handle` is unique for its owner, `file` is what was dropped, as it came."""

    __tablename__ = "style_loras"
    __table_args__ = (
        UniqueConstraint("owner", "handle", name="uq_style_loras_owner_handle"),
        Index("ix_style_loras_file", "file"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    name: Mapped[str] = mapped_column(String(40))
    handle: Mapped[str] = mapped_column(String(120))
    trigger_phrase: Mapped[str] = mapped_column(Text)  # TRIGGER alone is a word of SQL
    strength: Mapped[float] = mapped_column(Double)
    file: Mapped[str] = mapped_column(_KEY)
    digest: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(200))
    layers: Mapped[int]
    left_out: Mapped[list[Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConversationRow(Base):
    """A conversation."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("id", "owner", name="uq_conversations_id_owner"),
        Index("ix_conversations_owner_changed", "owner", "changed_at"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageRow(Base):
    """A message; `content` is what an answer rests on and what may be remembered, `words` what search looks in."""

    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["conversation_id", "owner"],
            ["conversations.id", "conversations.owner"],
            name="fk_messages_conversation",
            ondelete="CASCADE",
        ),
        UniqueConstraint("id", "owner", name="uq_messages_id_owner"),
        Index("ix_messages_conversation_owner", "conversation_id", "owner"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    ending: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pictures: Mapped[list[ChatPictureRow]] = relationship(
        order_by="ChatPictureRow.id", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )


class ChatPictureRow(Base):
    """A picture of a message, with what a recognition model saw in it; None before it was looked at."""

    __tablename__ = "chat_pictures"
    __table_args__ = (
        ForeignKeyConstraint(
            ["message_id", "owner"],
            ["messages.id", "messages.owner"],
            name="fk_chat_pictures_message",
            ondelete="CASCADE",
        ),
        Index("ix_chat_pictures_message_owner", "message_id", "owner"),
        Index("ix_chat_pictures_file", "file"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    message_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    file: Mapped[str] = mapped_column(_KEY)
    width: Mapped[int]
    height: Mapped[int]
    model: Mapped[str | None] = mapped_column(String(200))
    boxes: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    kinds: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    looks: Mapped[bytes | None] = mapped_column(LargeBinary)


class NoteRow(Base):
    """Something about the person, remembered because they agreed."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_owner_id", "owner", "id"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    text: Mapped[str] = mapped_column(Text)
    said_in: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TasteProfileRow(Base):
    """A named taste; `handle` is unique for its owner, and at most one collects what is done while browsing.

    `sharing_since` is consent to help other profiles and be helped by them. `lent` is all that they ever see of this
    one: weights of named attributes, which are there only while there is consent.
    """

    __tablename__ = "taste_profiles"
    __table_args__ = (
        UniqueConstraint("owner", "handle", name="uq_taste_profiles_owner_handle"),
        UniqueConstraint("id", "owner", name="uq_taste_profiles_id_owner"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    name: Mapped[str] = mapped_column(String(40))
    handle: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    collecting: Mapped[bool]
    sharing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lent: Mapped[dict[str, float] | None] = mapped_column(JSON(none_as_null=True))
    lent_model: Mapped[str | None] = mapped_column(String(200))


class TasteVersionRow(Base):
    """A state of a taste; `summary` is `studio.domain.taste.TasteSummary` as JSON."""

    __tablename__ = "taste_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["profile_id", "owner"],
            ["taste_profiles.id", "taste_profiles.owner"],
            name="fk_taste_versions_profile",
            ondelete="CASCADE",
        ),
        Index("ix_taste_versions_profile_owner", "profile_id", "owner"),
    )

    profile_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    why: Mapped[str] = mapped_column(Text)
    edits: Mapped[dict[str, Any]] = mapped_column(JSON)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    model: Mapped[str] = mapped_column(String(200))
    learned: Mapped[bytes | None] = mapped_column(LargeBinary)


class TasteEventRow(Base):
    """What somebody did with a picture; it goes with its picture, its profile, or by itself."""

    __tablename__ = "taste_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["profile_id", "owner"],
            ["taste_profiles.id", "taste_profiles.owner"],
            name="fk_taste_events_profile",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["picture_id", "owner"],
            ["pictures.id", "pictures.owner"],
            name="fk_taste_events_picture",
            ondelete="CASCADE",
        ),
        Index("ix_taste_events_profile_owner", "profile_id", "owner"),
        Index("ix_taste_events_picture_owner", "picture_id", "owner"),
        Index("ix_taste_events_file", "file"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    profile_id: Mapped[str] = mapped_column(_ID)
    owner: Mapped[str] = mapped_column(_OWNER)
    picture_id: Mapped[str | None] = mapped_column(_ID)
    file: Mapped[str] = mapped_column(_KEY)
    reaction: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    seconds: Mapped[float | None] = mapped_column(Double)
    deliberate: Mapped[bool]
    pair: Mapped[str] = mapped_column(String(32))
    look: Mapped[bytes | None] = mapped_column(LargeBinary)
    look_model: Mapped[str] = mapped_column(String(200))
