"""Forgetting a concept: everything of it goes, and a receipt says what, after having looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from studio.domain.concepts import Concept
from studio.domain.generation import Picture
from studio.domain.mentions import find_mentions, normalize
from studio.domain.receipts import Erased, Receipt
from studio.errors import NotFound
from studio.storage.concepts import ConceptRepository
from studio.storage.drawings import DrawingRepository
from studio.storage.examples import ExampleRepository, LookRepository
from studio.storage.pictures import PictureRepository
from studio.storage.vault import Vault


class Memory(Protocol):
    """Something else that may speak of a concept, such as conversations."""

    def forget(self, concept: Concept, session: Session) -> Sequence[Erased]:
        """Remove what speaks of `concept`, within the session in which it is forgotten, and say what that was."""

    def remains(self, concept: Concept, session: Session) -> Sequence[str]:
        """Look for what still speaks of it, and say what was found; nothing after `forget`."""


class Forgetting:
    """Removes concepts of all owners; an owner only ever loses their own.

    Args:
        vault: records and files.
        memories: what else is asked to forget, in this order.
    """

    def __init__(self, vault: Vault, memories: Sequence[Memory] = ()) -> None:
        self._vault = vault
        self._memories = tuple(memories)

    def forget(self, concept_id: str, owner: str, *, pictures: bool) -> Receipt:
        """Remove a concept with its photos, looks, examples, LoRA, facts, relations and mentions.

        Args:
            concept_id: of the concept.
            owner: whose it is.
            pictures: whether the pictures that were made of it go as well.

        Raises:
            NotFound: the owner has no such concept.
        """
        with self._vault.database.write() as session:
            concept = ConceptRepository(session).by_id(concept_id, owner)
            if concept is None:
                raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
            made = PictureRepository(session).of_concept(concept_id, owner)
            keys = _keys(session, concept, made if pictures else [])
            erased = [*self._files(keys), *_records(session, concept)]
            erased += [one for memory in self._memories for one in memory.forget(concept, session)]
            erased.append(Erased(what="unfinished drawings", count=_forget_drawings(session, concept)))
            if pictures:
                for picture in made:
                    PictureRepository(session).delete(picture.id, owner)
            ConceptRepository(session).delete(concept_id, owner)
        self._vault.sweep({key for group in keys.values() for key in group})
        return self._receipt(concept, erased, keys, [] if pictures else made)

    def _files(self, keys: dict[str, list[str]]) -> list[Erased]:
        return [
            Erased(what=what, count=len(group), bytes=sum(self._vault.files.size(key) for key in set(group)))
            for what, group in keys.items()
        ]

    def _receipt(
        self, concept: Concept, erased: list[Erased], keys: dict[str, list[str]], pictures: list[Picture]
    ) -> Receipt:
        """Look whether it is gone; a file that something else needs as well has stayed for that."""
        there = {key: what for what, group in keys.items() for key in group if self._vault.files.size(key)}
        shared = [key for key in there if self._vault.is_used(key)]
        found = [f"{what}: {key}" for key, what in there.items() if key not in shared]
        with self._vault.database.read() as session:
            found += ConceptRepository(session).remains(concept.id)
            if ConceptRepository(session).by_id(concept.id, concept.owner) is not None:
                found.append("the concept")
            found += [one for memory in self._memories for one in memory.remains(concept, session)]
        gone = [_less(one, there, self._vault) for one in erased]
        stayed = [
            Erased(what="files that other concepts or pictures share", count=len(shared)),
            Erased(what="pictures made of it", count=len(pictures)),
        ]
        return Receipt(
            concept=concept.name,
            erased=tuple(one for one in gone if one.count),
            stayed=tuple(one for one in stayed if one.count),
            found=tuple(found),
        )


def _keys(session: Session, concept: Concept, pictures: Sequence[Picture]) -> dict[str, list[str]]:
    """Return the files of a concept, sort by sort."""
    examples = ExampleRepository(session).of_concept(concept.id, concept.owner)
    return {
        "photos": [photo.file for photo in concept.photos],
        "cut-outs": [photo.cutout for photo in concept.photos if photo.cutout],
        "examples": [example.file for example in examples],
        "LoRA files": [concept.adapter] if concept.adapter else [],
        "pictures": [picture.file for picture in pictures],
        "pictures to draw like": sorted({picture.recipe.like for picture in pictures} - {""}),
    }


def _records(session: Session, concept: Concept) -> list[Erased]:
    """Count what is recorded of a concept apart from files."""
    concepts = ConceptRepository(session)
    relations = (*concept.relations, *concepts.relations_to(concept.id, concept.owner))
    looks, size = LookRepository(session).of_concept(concept.id, concept.owner)
    return [
        Erased(what="looks of it", count=looks, bytes=size),
        _texts("facts", [fact.text for fact in concept.facts]),
        _texts("further names", concept.aliases),
        _texts("relations", [str(relation) for relation in relations]),
    ]


def _texts(what: str, texts: Sequence[str]) -> Erased:
    return Erased(what=what, count=len(texts), bytes=sum(len(text.encode()) for text in texts))


def _less(one: Erased, there: dict[str, str], vault: Vault) -> Erased:
    """Return it less the files that are still there."""
    stayed = [key for key, what in there.items() if what == one.what]
    size = sum(vault.files.size(key) for key in stayed)
    return Erased(what=one.what, count=max(0, one.count - len(stayed)), bytes=max(0, one.bytes - size))


def _forget_drawings(session: Session, concept: Concept) -> int:
    """Remove drawings that were asked for, mention it, and were never finished."""
    drawings = DrawingRepository(session)
    handles = set(concept.handles)
    count = 0
    for drawing in drawings.all(concept.owner):
        asked = {mention.handle for mention in find_mentions(normalize(drawing.request.prompt), handles)}
        if asked & handles or (drawing.request.concept or "").removeprefix("@").casefold() in handles:
            count += drawings.delete(drawing.id, concept.owner)
    return count
