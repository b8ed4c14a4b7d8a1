"""Records of concepts: their names, photos, facts and relations."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from studio.domain.concepts import Concept, Fact, FactSource, Photo, Relation, handle_of
from studio.domain.mentions import unknown_concept
from studio.domain.text import check_text
from studio.errors import NameTaken
from studio.storage.examples import LookRepository
from studio.storage.models import AliasRow, ConceptRow, ExampleRow, FactRow, LookRow, PhotoRow, RelationRow


class ConceptRepository:
    """Reads and writes concepts within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, concept: Concept) -> None:
        """Store a new concept with all that belongs to it.

        Raises:
            NameTaken: one of its names is one of another concept of the owner.
        """
        self._check_names(concept)
        row = ConceptRow(id=concept.id, owner=concept.owner, created_at=concept.created_at)
        _fill(row, concept)
        self._session.add(row)
        self._session.flush()

    def all(self, owner: str) -> list[Concept]:
        """Return the concepts of `owner`, the oldest first."""
        rows = self._session.scalars(select(ConceptRow).where(ConceptRow.owner == owner).order_by(ConceptRow.id))
        return [_concept(row) for row in rows]

    def some(self, ids: Iterable[str], owner: str) -> list[Concept]:
        """Return the concepts of `owner` with these ids, the oldest first."""
        asked = select(ConceptRow).where(ConceptRow.owner == owner, ConceptRow.id.in_(list(ids)))
        return [_concept(row) for row in self._session.scalars(asked.order_by(ConceptRow.id))]

    def kinds(self, owner: str) -> list[str]:
        """Return the class words of the concepts of `owner`, each once, in the order of the alphabet."""
        asked = select(ConceptRow.kind).where(ConceptRow.owner == owner, ConceptRow.kind != "")
        return list(self._session.scalars(asked.distinct().order_by(ConceptRow.kind)))

    def handles(self, owner: str) -> set[str]:
        """Return the handles of all names of the concepts of `owner`."""
        return set(self.names(owner))

    def names(self, owner: str) -> dict[str, tuple[str, str]]:
        """Return, for the handle of each name of the concepts of `owner`, the id and the first name of its concept."""
        first = select(ConceptRow.handle, ConceptRow.id, ConceptRow.name).where(ConceptRow.owner == owner)
        further = (
            select(AliasRow.handle, ConceptRow.id, ConceptRow.name)
            .join(ConceptRow, AliasRow.concept_id == ConceptRow.id)
            .where(AliasRow.owner == owner, ConceptRow.owner == owner)
        )
        return {handle: (id, name) for asked in (further, first) for handle, id, name in self._session.execute(asked)}

    def relations_to(self, concept_id: str, owner: str) -> list[Relation]:
        """Return what other concepts of `owner` are to this one."""
        rows = self._session.scalars(
            select(RelationRow).where(RelationRow.owner == owner, RelationRow.other_id == concept_id)
        )
        return [_relation(row) for row in rows]

    def remains(self, concept_id: str) -> list[str]:
        """Return the tables in which something of a concept is, its own left out; none after `delete`."""
        rows = (
            ("photos", PhotoRow.concept_id), ("facts", FactRow.concept_id), ("further names", AliasRow.concept_id),
            ("relations", RelationRow.concept_id), ("relations of others", RelationRow.other_id),
            ("examples", ExampleRow.concept_id), ("looks", LookRow.concept_id),
        )  # fmt: skip
        return [what for what, column in rows if self._session.scalar(select(exists().where(column == concept_id)))]

    def find(self, name: str, owner: str) -> Concept | None:
        """Return the concept of `owner` by one of its names, a handle with or without ``@``, or its id."""
        handle = handle_of(check_text(name, "name").strip().removeprefix("@"))
        called = exists().where(
            AliasRow.owner == owner, AliasRow.handle == handle, AliasRow.concept_id == ConceptRow.id
        )
        row = self._session.scalar(
            select(ConceptRow)
            .where(ConceptRow.owner == owner, or_(ConceptRow.handle == handle, ConceptRow.id == name, called))
            .order_by(ConceptRow.handle != handle, ConceptRow.id == name)
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
        """Write a changed concept over its record; no effect when the record is gone.

        Raises:
            NameTaken: as `add`.
        """
        row = self._row(concept.id, concept.owner)
        if row is not None:
            self._check_names(concept)
            gone = {photo.id for photo in row.photos} - {photo.id for photo in concept.photos}
            _fill(row, concept)
            self._session.flush()
            LookRepository(self._session).forget(gone, concept.owner)

    def delete(self, concept_id: str, owner: str) -> None:
        """Remove a concept with all that belongs to it; no effect when the record is gone."""
        row = self._row(concept_id, owner)
        if row is not None:
            self._session.delete(row)
            self._session.flush()
            self._session.expire_all()  # relations of others went along

    def _row(self, concept_id: str, owner: str) -> ConceptRow | None:
        return self._session.scalar(select(ConceptRow).where(ConceptRow.owner == owner, ConceptRow.id == concept_id))

    def _check_names(self, concept: Concept) -> None:
        """Writers take turns (see `Database.write`), so that nobody can take a name between this and the writing."""
        names = self.names(concept.owner)
        for handle in concept.handles:
            taken_by, name = names.get(handle, (concept.id, ""))
            if taken_by != concept.id:
                raise name_taken(handle, name)


def name_taken(handle: str, name: str) -> NameTaken:
    """Return the error for a handle that the concept called `name` has."""
    whose = "" if handle_of(name) == handle else f", which is another name of {name}"
    return NameTaken(f"There is a concept @{handle} already{whose}. Choose another name, or forget that one first.")


def _fill(row: ConceptRow, concept: Concept) -> None:
    row.name, row.handle, row.kind = concept.name, concept.handle, concept.kind
    row.adapter, row.adapter_model = concept.adapter, concept.adapter_model
    row.attributes, row.consent_at = concept.attributes, concept.consent_at
    known = {photo.id: photo for photo in row.photos}
    row.photos = [
        _fill_photo(known.get(photo.id) or PhotoRow(id=photo.id), photo, position)
        for position, photo in enumerate(concept.photos)
    ]
    if tuple(_fact(fact) for fact in row.facts) != concept.facts:
        row.facts = [
            FactRow(id=_id(), position=position, text=fact.text, added_at=fact.added_at, source=fact.source.value)
            for position, fact in enumerate(concept.facts)
        ]
    _fill_aliases(row, concept)
    if [(one.words, one.other_id) for one in row.relations] != [(one.words, one.other) for one in concept.relations]:
        row.relations = [
            RelationRow(id=_id(), position=position, words=relation.words, other_id=relation.other)
            for position, relation in enumerate(concept.relations)
        ]


def _fill_aliases(row: ConceptRow, concept: Concept) -> None:
    known = {alias.handle: alias for alias in row.aliases}
    aliases = []
    for position, name in enumerate(concept.aliases):
        alias = known.get(handle_of(name)) or AliasRow(owner=concept.owner, handle=handle_of(name))
        alias.position, alias.name = position, name
        aliases.append(alias)
    row.aliases = aliases


def _fill_photo(row: PhotoRow, photo: Photo, position: int) -> PhotoRow:
    row.position = position
    row.file, row.cutout, row.width, row.height = photo.file, photo.cutout, photo.width, photo.height
    box = None if photo.box is None else list(photo.box)
    if row.box != box:
        row.box = box
    return row


def _id() -> str:
    return uuid.uuid4().hex


def _concept(row: ConceptRow) -> Concept:
    return Concept(
        id=row.id,
        name=row.name,
        kind=row.kind,
        photos=tuple(_photo(photo) for photo in row.photos),
        facts=tuple(_fact(fact) for fact in row.facts),
        created_at=row.created_at,
        owner=row.owner,
        adapter=row.adapter,
        adapter_model=row.adapter_model,
        aliases=tuple(alias.name for alias in row.aliases),
        relations=tuple(dict.fromkeys(_relation(relation) for relation in row.relations)),
        attributes=row.attributes,
        consent_at=row.consent_at,
    )


def _relation(row: RelationRow) -> Relation:
    return Relation(words=row.words, other=row.other_id, name=row.other.name)


def _photo(row: PhotoRow) -> Photo:
    left, top, right, bottom = row.box or (0, 0, 0, 0)
    return Photo(
        id=row.id,
        file=row.file,
        width=row.width,
        height=row.height,
        cutout=row.cutout,
        box=(left, top, right, bottom) if row.box else None,
    )


def _fact(row: FactRow) -> Fact:
    return Fact(text=row.text, added_at=row.added_at, source=FactSource(row.source))
