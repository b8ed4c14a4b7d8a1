"""Concepts whose photos change: photos added and removed, two made one, one made two.

Whenever the photos change, the LoRA is predicted anew, and so is what was written of the old ones' looks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from studio.domain.concepts import (
    ALIASES_MAX,
    ATTRIBUTES_MAX,
    FACTS_MAX,
    PHOTOS_MAX,
    Concept,
    Photo,
    Relation,
    check_name,
    check_photo_count,
    handle_of,
)
from studio.domain.identifiers import IdSource
from studio.engines.base import Report
from studio.errors import InvalidInput, NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import Personalizer
from studio.services.photos import EncodedPhoto, PhotoReader, encoded
from studio.storage.card_moves import CardMoves
from studio.storage.concepts import ConceptRepository, name_taken
from studio.storage.examples import ExampleRepository
from studio.storage.vault import Storing, Vault

_READING = 0.5  # share of adding photos that reading them takes


class CardService:
    """Changes the photos of concepts; an owner only ever meets their own."""

    def __init__(
        self, *, vault: Vault, jobs: JobRunner, reader: PhotoReader, personalizer: Personalizer, ids: IdSource
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._reader = reader
        self._personalizer = personalizer
        self._ids = ids

    def add_photos(self, concept_id: str, photos: Sequence[bytes], owner: str = "local") -> Job[Concept]:
        """Get to know a concept by further photos; one that it has already counts once.

        Raises:
            NotFound: the owner has no such concept.
            InvalidInput: no photo, or more than a concept takes.
            InvalidPhoto: one is no usable photo, here or as the job's error.
        """
        concept = self._get(concept_id, owner)
        check_photo_count(len(photos))
        _check_room(len(concept.photos) + len(set(photos)))
        self._reader.check(photos)

        def work(report: Report) -> Concept:
            read = encoded(self._reader.read_all(tuple(dict.fromkeys(photos)), part(report, 0.0, _READING)))

            def add(act: Storing, now: Concept) -> Concept:
                return dataclasses.replace(now, photos=_with_photos(now.photos, read, act, self._ids))

            return self._changed(concept_id, owner, add, part(report, _READING, 1.0))

        return self._jobs.start(f"Get to know {concept.name} better", work, owner)

    def remove_photos(self, concept_id: str, photo_ids: Sequence[str], owner: str = "local") -> Job[Concept]:
        """Remove photos of a concept with everything that was learned from them.

        Raises:
            NotFound: the owner has no such concept, or it has no such photo.
            InvalidInput: none would be left.
        """
        concept = self._get(concept_id, owner)
        chosen = _chosen(concept, photo_ids, "Its last photo cannot be removed; forget the concept instead.")

        def remove(_act: Storing, now: Concept) -> Concept:
            rest = tuple(photo for photo in now.photos if photo.id not in chosen)
            if not rest:
                raise InvalidInput("Its last photo cannot be removed; forget the concept instead.")
            return dataclasses.replace(now, photos=rest)

        return self._jobs.start(
            f"Remove photos of {concept.name}",
            lambda report: self._changed(concept_id, owner, remove, report),
            owner,
        )

    def merge(self, concept_id: str, other_id: str, owner: str = "local") -> Job[Concept]:
        """Make one concept of two: what is known of the other one goes to the first, its names become further names.

        Raises:
            NotFound: the owner has no such concepts.
            InvalidInput: it is one and the same, or together they have more than one concept can hold.
        """
        concept, other = self._get(concept_id, owner), self._get(other_id, owner)
        _check_mergeable(concept, other)

        def merge(act: Storing, now: Concept) -> Concept:
            concepts = ConceptRepository(act.session)
            gone = _there(concepts, other_id, owner)
            merged = _merged(now, gone)
            examples = ExampleRepository(act.session).of_concept(gone.id, owner)
            loose.extend([gone.adapter, *_files(gone), *(example.file for example in examples)])
            CardMoves(act.session, owner).everything(gone, now)
            concepts.delete(gone.id, owner)
            return merged

        def work(report: Report) -> Concept:
            kept = self._changed(concept_id, owner, merge, report, also=(other_id,))
            self._vault.sweep(loose)
            return kept

        loose: list[str | None] = []
        return self._jobs.start(f"Make {other.name} and {concept.name} one", work, owner)

    def split(self, concept_id: str, photo_ids: Sequence[str], name: str, owner: str = "local") -> Job[Concept]:
        """Make a concept of its own of some photos; facts and further names stay where they are. Gives the new one.

        Raises:
            NotFound: the owner has no such concept, or it has no such photo.
            InvalidInput: the name cannot be one, or no photo would be left.
            NameTaken: a concept has the name.
        """
        concept = self._get(concept_id, owner)
        sentence = "All its photos cannot be split off: nothing would be left. Rename it instead."
        chosen = _chosen(concept, photo_ids, sentence)
        called = check_name(name)
        self._check_free(called, owner)

        def split(act: Storing, now: Concept) -> Concept:
            moved = tuple(photo for photo in now.photos if photo.id in chosen)
            if not moved or len(moved) == len(now.photos):
                raise InvalidInput(sentence)
            new = Concept(
                id=new_id, name=called, kind=now.kind, photos=(), facts=(), owner=owner, created_at=datetime.now(UTC)
            )  # fmt: skip
            concepts = ConceptRepository(act.session)
            concepts.add(new)
            CardMoves(act.session, owner).photos(chosen, source=now.id, target=new_id)
            concepts.replace(dataclasses.replace(new, photos=moved))
            return dataclasses.replace(now, photos=tuple(photo for photo in now.photos if photo.id not in chosen))

        def work(report: Report) -> Concept:
            self._changed(concept_id, owner, split, part(report, 0.0, 0.5))
            return self._learned(new_id, owner, "", part(report, 0.5, 1.0))

        new_id = self._ids()
        return self._jobs.start(f"Make a concept of photos of {concept.name}", work, owner)

    def _changed(
        self,
        concept_id: str,
        owner: str,
        change: Callable[[Storing, Concept], Concept],
        report: Report,
        also: Sequence[str] = (),
    ) -> Concept:
        """Change a concept's photos as a whole or not at all, then learn it anew; `also` are concepts it takes over."""
        written = ", ".join(filter(None, (self._written(self._get(one, owner)) for one in (concept_id, *also))))
        report(0.0, "Keeping it")  # the last moment to stop
        with self._vault.storing() as act:
            concepts = ConceptRepository(act.session)
            before = _there(concepts, concept_id, owner)
            # What was learned from photos that are not its own any more must not outlive them.
            after = dataclasses.replace(change(act, before), adapter=None, adapter_model=None)
            concepts.replace(after)
        self._vault.sweep([before.adapter, *_files(before)])
        return self._learned(concept_id, owner, written, report)

    def _written(self, concept: Concept) -> str:
        """Return what a person wrote of the concept's looks; nothing where it still is what the engine says."""
        described = self._personalizer.describe(concept)
        return "" if concept.attributes == described else concept.attributes

    def _learned(self, concept_id: str, owner: str, written: str, report: Report) -> Concept:
        """Describe the concept by the photos it has now, unless somebody has, and predict its LoRA."""
        concept = self._get(concept_id, owner)
        attributes = written[:ATTRIBUTES_MAX] or self._personalizer.describe(concept)
        with self._vault.database.write() as session:
            concepts = ConceptRepository(session)
            concepts.replace(dataclasses.replace(_there(concepts, concept_id, owner), attributes=attributes))
        self._personalizer.adapter(concept, report)
        return self._get(concept_id, owner)

    def _get(self, concept_id: str, owner: str) -> Concept:
        with self._vault.database.read() as session:
            return _there(ConceptRepository(session), concept_id, owner)

    def _check_free(self, name: str, owner: str) -> None:
        with self._vault.database.read() as session:
            taken = ConceptRepository(session).names(owner).get(handle_of(name))
        if taken is not None:
            raise name_taken(handle_of(name), taken[1])


def _there(concepts: ConceptRepository, concept_id: str, owner: str) -> Concept:
    concept = concepts.by_id(concept_id, owner)
    if concept is None:
        raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
    return concept


def _files(concept: Concept) -> list[str | None]:
    return [key for photo in concept.photos for key in (photo.file, photo.cutout)]


def _check_room(count: int) -> None:
    if count > PHOTOS_MAX:
        raise InvalidInput(
            f"That would be {count} photos; a concept takes at most {PHOTOS_MAX}. Remove some first, or add fewer."
        )


def _with_photos(
    known: tuple[Photo, ...], read: Sequence[EncodedPhoto], act: Storing, ids: IdSource
) -> tuple[Photo, ...]:
    photos = {photo.file: photo for photo in known}
    for one in read:
        kept = one.keep(act, ids)
        photos.setdefault(kept.file, kept)
    _check_room(len(photos))
    return tuple(photos.values())


def _chosen(concept: Concept, photo_ids: Sequence[str], none_left: str) -> frozenset[str]:
    chosen, there = frozenset(photo_ids), {photo.id for photo in concept.photos}
    if not chosen:
        raise InvalidInput("No photo was chosen. Choose at least one.")
    if chosen - there:
        raise NotFound(f"{concept.name} has no photo {min(chosen - there)[:40]!r} (any more).")
    if chosen == there:
        raise InvalidInput(none_left)
    return chosen


def _check_mergeable(concept: Concept, other: Concept) -> None:
    if concept.id == other.id:
        raise InvalidInput(f"{concept.name} cannot be merged with itself. Name two different concepts.")
    _merged(concept, other)


def _merged(concept: Concept, other: Concept) -> Concept:
    """Return the first with everything of the second; its LoRA and its description are still to be made."""
    photos = {photo.file: photo for photo in (*other.photos, *concept.photos)}
    kept = [photo for photo in concept.photos if photos[photo.file] is photo]
    kept += [photo for photo in other.photos if photos[photo.file] is photo]
    facts = {fact.text: fact for fact in (*other.facts, *concept.facts)}
    aliases = (*concept.aliases, other.name, *other.aliases)
    _check_room(len(kept))
    for count, most, what in ((len(facts), FACTS_MAX, "facts"), (len(aliases), ALIASES_MAX, "further names")):
        if count > most:
            raise InvalidInput(f"Together they would have {count} {what}; a concept takes at most {most}.")
    relations: dict[tuple[str, str], Relation] = {}
    for relation in (*concept.relations, *other.relations):
        if relation.other not in (concept.id, other.id):
            relations.setdefault((relation.words, relation.other), relation)
    return dataclasses.replace(
        concept,
        photos=tuple(kept),
        facts=tuple(sorted(facts.values(), key=lambda fact: fact.added_at)),
        aliases=aliases,
        relations=tuple(relations.values()),
        consent_at=concept.consent_at or other.consent_at,
    )
