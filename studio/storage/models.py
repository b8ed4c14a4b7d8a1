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
    photos: Mapped[list[PhotoRow]] = relationship(
        order_by="PhotoRow.position", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )
    facts: Mapped[list[FactRow]] = relationship(
        order_by="FactRow.position", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
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
    """A made picture; `recipe` is `studio.domain.generation.Recipe` as JSON, `words` what text search looks in."""

    __tablename__ = "pictures"
    __table_args__ = (
        UniqueConstraint("id", "owner", name="uq_pictures_id_owner"),
        Index("ix_pictures_owner_id", "owner", "id"),
        Index("ix_pictures_file", "file"),
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
    """A drawing that has not ended; `request` is `studio.domain.generation.GenerateRequest` as JSON."""

    __tablename__ = "drawings"
    __table_args__ = (Index("ix_drawings_owner_id", "owner", "id"),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    owner: Mapped[str] = mapped_column(_OWNER)
    process: Mapped[str] = mapped_column(_ID)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
