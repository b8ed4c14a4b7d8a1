"""Records of concepts, their photos and facts."""

from __future__ import annotations

import uuid

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio.domain.concepts import Concept, Fact, Photo, handle_of
from studio.domain.mentions import unknown_concept
from studio.storage.models import ConceptRow, FactRow, PhotoRow


class ConceptRepository:
    """Reads and writes concepts within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, concept: Concept) -> None:
        """Store a new concept with its photos and facts."""
        row = ConceptRow(id=concept.id, owner=concept.owner, created_at=concept.created_at)
        _fill(row, concept)
        self._session.add(row)
        self._session.flush()

    def all(self, owner: str) -> list[Concept]:
        """Return the concepts of `owner`, the oldest first."""
        rows = self._session.scalars(select(ConceptRow).where(ConceptRow.owner == owner).order_by(ConceptRow.id))
        return [_concept(row) for row in rows]

    def handles(self, owner: str) -> set[str]:
        """Return the handles of the concepts of `owner`."""
        return set(self._session.scalars(select(ConceptRow.handle).where(ConceptRow.owner == owner)))

    def find(self, name: str, owner: str) -> Concept | None:
        """Return the concept of `owner` by its name, its handle with or without ``@``, or its id."""
        handle = handle_of(name.strip().removeprefix("@"))
        row = self._session.scalar(
            select(ConceptRow)
            .where(ConceptRow.owner == owner, or_(ConceptRow.handle == handle, ConceptRow.id == name))
            .order_by(ConceptRow.handle != handle)
            .limit(1)
        )
        return None if row is None else _concept(row)

    def get(self, name: str, owner: str) -> Concept:
        """Return the concept as `find` does.

        Raises:
            UnknownConcept: there is none; the message says which near ones are.
        """
        found = self.find(name, owner)
        if found is None:
            raise unknown_concept(name.strip().removeprefix("@"), self.handles(owner))
        return found

    def by_id(self, concept_id: str, owner: str) -> Concept | None:
        """Return the concept of `owner` with this id."""
        row = self._row(concept_id, owner)
        return None if row is None else _concept(row)

    def replace(self, concept: Concept) -> None:
        """Write a changed concept over its record; no effect when the record is gone."""
        row = self._row(concept.id, concept.owner)
        if row is not None:
            _fill(row, concept)
            self._session.flush()

    def delete(self, concept_id: str, owner: str) -> None:
        """Remove a concept with its photos and facts; no effect when the record is gone."""
        row = self._row(concept_id, owner)
        if row is not None:
            self._session.delete(row)
            self._session.flush()

    def _row(self, concept_id: str, owner: str) -> ConceptRow | None:
        return self._session.scalar(select(ConceptRow).where(ConceptRow.owner == owner, ConceptRow.id == concept_id))


def _fill(row: ConceptRow, concept: Concept) -> None:
    row.name, row.handle, row.kind = concept.name, concept.handle, concept.kind
    row.adapter, row.adapter_model = concept.adapter, concept.adapter_model
    known = {photo.id: photo for photo in row.photos}
    row.photos = [
        _fill_photo(known.get(photo.id) or PhotoRow(id=photo.id), photo, position)
        for position, photo in enumerate(concept.photos)
    ]
    if tuple(_fact(fact) for fact in row.facts) != concept.facts:
        row.facts = [
            FactRow(id=uuid.uuid4().hex, position=position, text=fact.text, added_at=fact.added_at)
            for position, fact in enumerate(concept.facts)
        ]


def _fill_photo(row: PhotoRow, photo: Photo, position: int) -> PhotoRow:
    row.position = position
    row.file, row.cutout, row.width, row.height = photo.file, photo.cutout, photo.width, photo.height
    return row


def _concept(row: ConceptRow) -> Concept:
    return Concept(
        id=row.id,
        name=row.name,
        kind=row.kind,
        photos=tuple(
            Photo(id=photo.id, file=photo.file, width=photo.width, height=photo.height, cutout=photo.cutout)
            for photo in row.photos
        ),
        facts=tuple(_fact(fact) for fact in row.facts),
        created_at=row.created_at,
        owner=row.owner,
        adapter=row.adapter,
        adapter_model=row.adapter_model,
    )


def _fact(row: FactRow) -> Fact:
    return Fact(text=row.text, added_at=row.added_at)
