"""What the studio knows: read photos, add, list, edit and forget concepts."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Unpack

from sqlalchemy.exc import IntegrityError

from studio.domain.changes import KIND_UNKNOWN, ConceptChanges, with_changes, with_facts
from studio.domain.concepts import (
    AddConceptRequest,
    Concept,
    Fact,
    FactSource,
    Understanding,
    check_facts,
    check_photo_count,
)
from studio.domain.identifiers import IdSource
from studio.domain.photo_sets import what_is_mixed
from studio.domain.receipts import Receipt
from studio.engines.base import Report
from studio.errors import InvalidInput, MixedPhotos, NotFound
from studio.services.forgetting import Forgetting
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import ADAPTER_SUFFIX, Personalizer
from studio.services.photos import EncodedPhoto, PhotoReader, ReadPhoto, encoded
from studio.storage.concepts import ConceptRepository, name_taken
from studio.storage.ingest import encode_cutout
from studio.storage.vault import Vault

SHOWN_EDGE = 640
_READING = 0.4  # share of adding a concept that reading its photos takes; predicting the LoRA is most of the rest
_PREDICTING = 0.95

__all__ = ["ConceptService", "Understanding"]


class ConceptService:
    """Concepts of all owners; an owner only ever meets their own."""

    def __init__(
        self,
        *,
        vault: Vault,
        jobs: JobRunner,
        reader: PhotoReader,
        personalizer: Personalizer,
        forgetting: Forgetting,
        ids: IdSource,
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._reader = reader
        self._personalizer = personalizer
        self._forgetting = forgetting
        self._ids = ids

    def read(self, photos: Sequence[bytes], owner: str = "local") -> Job[tuple[Understanding, ...]]:
        """Find the subject in each of 1–40 uploaded photos; nothing is stored.

        Raises:
            InvalidInput: no photo or too many.
            InvalidPhoto: a file is not a usable picture, here or, when it is damaged, as the job's error.
        """
        check_photo_count(len(photos))
        self._reader.check(photos)

        def work(report: Report) -> tuple[Understanding, ...]:
            read = self._reader.read_all(photos, report)
            group = {photo: number for number, photos in enumerate(self._reader.groups(read)) for photo in photos}
            return tuple(_understanding(one, group[number]) for number, one in enumerate(read))

        return self._jobs.start("Look at the photos", work, owner)

    def add(self, request: AddConceptRequest) -> Job[Concept]:
        """Get to know a thing: read its photos, predict its LoRA and store all of it, or nothing.

        Raises:
            NameTaken: the owner has a concept of one of these names, or one that is mentioned alike.
            InvalidPhoto: as `read`.
            MixedPhotos: as the job's error, the photos do not look like one thing and `request.one_thing` does not
                say that they are.
        """
        self._check_free(request)
        self._reader.check(request.photos)
        return self._jobs.start(f"Get to know {request.name}", lambda report: self._add(request, report), request.owner)

    def list(self, owner: str = "local") -> builtins.list[Concept]:
        """Return the concepts of `owner`, the oldest first."""
        with self._vault.database.read() as session:
            return ConceptRepository(session).all(owner)

    def get(self, name: str, owner: str = "local") -> Concept:
        """Return a concept by its name, handle, ``@handle`` or id.

        Raises:
            UnknownConcept: there is none; the message says which near ones are.
        """
        with self._vault.database.read() as session:
            return ConceptRepository(session).get(name, owner)

    def edit(
        self,
        concept_id: str,
        *,
        source: FactSource = FactSource.SAID,
        owner: str = "local",
        **changes: Unpack[ConceptChanges],
    ) -> Concept:
        """Change what is given, keep what is left out or None, and return the changed concept.

        Args:
            concept_id: of the concept.
            source: where facts that are new come from.
            owner: whose concept it is.
            **changes: see `ConceptChanges`.

        Raises:
            InvalidInput: a value is out of bounds, or a relation is to nothing that is known.
            NameTaken: another concept has one of the names.
            NotFound: the owner has no such concept.
        """
        with self._vault.database.write() as session:
            concepts = ConceptRepository(session)
            before = _there(concepts, concept_id, owner)
            after = with_changes(before, changes, concepts.names(owner), source)
            if after.kind != before.kind:
                # The LoRA was predicted for the old class word; it is predicted again before the next picture.
                after = dataclasses.replace(after, adapter_model=None)
            concepts.replace(after)
            return after

    def add_fact(
        self, concept_id: str, text: str, *, source: FactSource = FactSource.SAID, owner: str = "local"
    ) -> Concept:
        """Add one fact to those a concept has, and return it; one that it has already keeps its date and source.

        Raises:
            InvalidInput: it is empty or too long, or the concept has as many as it takes.
            NotFound: the owner has no such concept.
        """
        new = next(iter(check_facts([text])), None)
        if new is None:
            raise InvalidInput("The fact is empty. Write what is to be remembered.")
        with self._vault.database.write() as session:
            concepts = ConceptRepository(session)
            before = _there(concepts, concept_id, owner)
            texts = check_facts(tuple(dict.fromkeys([*(fact.text for fact in before.facts), new])))
            after = dataclasses.replace(before, facts=with_facts(before.facts, texts, source))
            concepts.replace(after)
            return after

    def forget(self, concept_id: str, owner: str = "local", *, pictures: bool = False) -> Receipt:
        """Remove a concept with all that belongs to it, and say what is gone.

        Args:
            concept_id: of the concept.
            owner: whose it is.
            pictures: whether the pictures made of it go as well; else they stay in the gallery.

        Raises:
            NotFound: the owner has no such concept.
        """
        return self._forgetting.forget(concept_id, owner, pictures=pictures)

    def _add(self, request: AddConceptRequest, report: Report) -> Concept:
        self._check_free(request)
        read = self._reader.read_all(tuple(dict.fromkeys(request.photos)), part(report, 0.0, _READING))
        if not request.one_thing and (mixed := what_is_mixed(self._reader.groups(read))):
            raise MixedPhotos(
                f"{mixed} A concept is one thing: leave out the photos of others, or say that all of them show it."
            )
        kind = request.kind or _likeliest(read)
        cutouts = [one.reading.cutout for one in read]
        adapter = self._personalizer.predict(cutouts, kind, part(report, _READING, _PREDICTING))
        report(_PREDICTING, "Keeping it")  # the last moment to stop
        ready = encoded(read)
        try:
            return self._keep(request, ready, adapter, kind, self._personalizer.describe_cutouts(cutouts, kind))
        except IntegrityError as taken:
            raise name_taken(request.name, request.name) from taken

    def _keep(
        self, request: AddConceptRequest, photos: Sequence[EncodedPhoto], adapter: bytes, kind: str, attributes: str
    ) -> Concept:
        now = datetime.now(UTC)
        with self._vault.storing() as act:
            concept = Concept(
                id=self._ids(),
                name=request.name,
                kind=kind,
                photos=tuple(photo.keep(act, self._ids) for photo in photos),
                facts=tuple(Fact(text=text, added_at=now) for text in request.facts),
                created_at=now,
                owner=request.owner,
                adapter=act.put(adapter, ADAPTER_SUFFIX),
                adapter_model=self._personalizer.model(),
                aliases=request.aliases,
                attributes=attributes,
                consent_at=now if request.consent else None,
            )
            ConceptRepository(act.session).add(concept)
        return concept

    def _check_free(self, request: AddConceptRequest) -> None:
        with self._vault.database.read() as session:
            names = ConceptRepository(session).names(request.owner)
        for handle in request.handles:
            if handle in names:
                raise name_taken(handle, names[handle][1])


def _understanding(read: ReadPhoto, group: int) -> Understanding:
    # Small: it is for looking at, and ended jobs keep their results for a while.
    shown = read.reading.cutout.copy()
    shown.thumbnail((SHOWN_EDGE, SHOWN_EDGE))
    return Understanding(
        cutout=encode_cutout(shown),
        coverage=read.reading.coverage,
        kinds=read.reading.kinds,
        width=read.photo.width,
        height=read.photo.height,
        group=group,
    )


def _likeliest(read: Sequence[ReadPhoto]) -> str:
    scores: dict[str, float] = {}
    for one in read:
        for kind, score in one.reading.kinds:
            scores[kind] = scores.get(kind, 0.0) + score
    return max(scores, key=lambda kind: scores[kind]) if scores else KIND_UNKNOWN


def _there(concepts: ConceptRepository, concept_id: str, owner: str) -> Concept:
    concept = concepts.by_id(concept_id, owner)
    if concept is None:
        raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
    return concept
