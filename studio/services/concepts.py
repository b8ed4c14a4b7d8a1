"""What the studio knows: read photos, add, list, edit and forget concepts."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from PIL import Image
from sqlalchemy.exc import IntegrityError

from studio.domain.concepts import (
    AddConceptRequest,
    Concept,
    Fact,
    Photo,
    Understanding,
    check_facts,
    check_kind,
    check_name,
    check_photo_count,
    handle_of,
)
from studio.domain.identifiers import IdSource
from studio.domain.photo_sets import what_is_mixed
from studio.engines.base import PhotoReading, Report, SubjectEngine
from studio.errors import InvalidPhoto, MixedPhotos, NameTaken, NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import ADAPTER_SUFFIX, Personalizer
from studio.storage.concepts import ConceptRepository
from studio.storage.examples import ExampleRepository
from studio.storage.ingest import check_photo, decode_photo, encode_cutout, encode_photo, fit_photo
from studio.storage.vault import Vault

KIND_UNKNOWN = "thing"
SHOWN_EDGE = 640
_READING = 0.4  # share of adding a concept that reading its photos takes; predicting the LoRA is most of the rest
_PREDICTING = 0.95
R = TypeVar("R")

__all__ = ["ConceptService", "Understanding"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Read:
    """A photo with what was understood of it."""

    photo: Image.Image
    reading: PhotoReading


class ConceptService:
    """Concepts of all owners; an owner only ever meets their own."""

    def __init__(
        self, *, vault: Vault, jobs: JobRunner, engine: SubjectEngine, personalizer: Personalizer, ids: IdSource
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._personalizer = personalizer
        self._ids = ids

    def read(self, photos: Sequence[bytes], owner: str = "local") -> Job[tuple[Understanding, ...]]:
        """Find the subject in each of 1–40 uploaded photos; nothing is stored.

        Raises:
            InvalidInput: no photo or too many.
            InvalidPhoto: a file is not a usable picture, here or, when it is damaged, as the job's error.
        """
        check_photo_count(len(photos))
        _for_each(photos, check_photo)

        def work(report: Report) -> tuple[Understanding, ...]:
            read = self._read_all(photos, report)
            group = {photo: number for number, photos in enumerate(self._groups(read)) for photo in photos}
            return tuple(_understanding(one, group[number]) for number, one in enumerate(read))

        return self._jobs.start("Look at the photos", work, owner)

    def add(self, request: AddConceptRequest) -> Job[Concept]:
        """Get to know a thing: read its photos, predict its LoRA and store all of it, or nothing.

        Raises:
            NameTaken: the owner has a concept of that name, or one that is mentioned alike.
            InvalidPhoto: as `read`.
            MixedPhotos: as the job's error, the photos do not look like one thing and `request.one_thing` does not
                say that they are.
        """
        self._check_free(request.name, request.owner)
        _for_each(request.photos, check_photo)
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
        name: str | None = None,
        kind: str | None = None,
        facts: Sequence[str] | None = None,
        owner: str = "local",
    ) -> Concept:
        """Change what is given, keep what is None, and return the changed concept.

        Raises:
            InvalidInput: a value is out of bounds.
            NameTaken: another concept has the name.
            NotFound: the owner has no such concept.
        """
        changed = {
            **({} if name is None else {"name": check_name(name)}),
            **({} if kind is None else {"kind": check_kind(kind) or KIND_UNKNOWN}),
        }
        texts = None if facts is None else check_facts(facts)
        try:
            with self._vault.database.write() as session:
                concepts = ConceptRepository(session)
                before = concepts.by_id(concept_id, owner)
                if before is None:
                    raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
                after = dataclasses.replace(before, **changed)  # type: ignore[arg-type]
                if texts is not None:
                    after = dataclasses.replace(after, facts=_merged(before.facts, texts))
                if after.kind != before.kind:
                    # The LoRA was predicted for the old class word; it is predicted again before the next picture.
                    after = dataclasses.replace(after, adapter_model=None)
                concepts.replace(after)
                return after
        except IntegrityError as taken:
            raise _name_taken(name or concept_id) from taken

    def forget(self, concept_id: str, owner: str = "local") -> None:
        """Remove a concept, its photos, facts, examples and LoRA; pictures made of it stay in the gallery.

        Raises:
            NotFound: the owner has no such concept.
        """
        with self._vault.database.write() as session:
            concepts = ConceptRepository(session)
            concept = concepts.by_id(concept_id, owner)
            if concept is None:
                raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
            examples = [example.file for example in ExampleRepository(session).of_concept(concept_id, owner)]
            concepts.delete(concept_id, owner)
        photos = [key for photo in concept.photos for key in (photo.file, photo.cutout)]
        self._vault.sweep([concept.adapter, *photos, *examples])

    def _add(self, request: AddConceptRequest, report: Report) -> Concept:
        self._check_free(request.name, request.owner)
        read = self._read_all(tuple(dict.fromkeys(request.photos)), part(report, 0.0, _READING))
        if not request.one_thing and (mixed := what_is_mixed(self._groups(read))):
            raise MixedPhotos(
                f"{mixed} A concept is one thing: leave out the photos of others, or say that all of them show it."
            )
        kind = request.kind or _likeliest(read)
        cutouts = [one.reading.cutout for one in read]
        adapter = self._personalizer.predict(cutouts, kind, part(report, _READING, _PREDICTING))
        report(_PREDICTING, "Keeping it")  # the last moment to stop
        try:
            return self._keep(request, kind, read, adapter)
        except IntegrityError as taken:
            raise _name_taken(request.name) from taken

    def _keep(self, request: AddConceptRequest, kind: str, read: Sequence[_Read], adapter: bytes) -> Concept:
        # Encoded before the write lock is taken.
        encoded = [(one, encode_photo(one.photo), encode_cutout(one.reading.cutout)) for one in read]
        now = datetime.now(UTC)
        with self._vault.storing() as act:
            concept = Concept(
                id=self._ids(),
                name=request.name,
                kind=kind,
                photos=tuple(
                    Photo(
                        id=self._ids(),
                        file=act.put(photo, ".jpg"),
                        cutout=act.put(cutout, ".png"),
                        width=one.photo.width,
                        height=one.photo.height,
                    )
                    for one, photo, cutout in encoded
                ),
                facts=tuple(Fact(text=text, added_at=now) for text in request.facts),
                created_at=now,
                owner=request.owner,
                adapter=act.put(adapter, ADAPTER_SUFFIX),
                adapter_model=self._personalizer.model(),
            )
            ConceptRepository(act.session).add(concept)
        return concept

    def _read_all(self, photos: Sequence[bytes], report: Report) -> builtins.list[_Read]:
        decoded = _for_each(photos, lambda data: fit_photo(decode_photo(data)))
        read = []
        for number, photo in enumerate(decoded):
            report(number / len(decoded), f"Looking at photo {number + 1} of {len(decoded)}")
            read.append(_Read(photo=photo, reading=self._engine.read(photo)))
        return read

    def _groups(self, read: Sequence[_Read]) -> builtins.list[builtins.list[int]]:
        return self._engine.groups([one.reading.look for one in read])

    def _check_free(self, name: str, owner: str) -> None:
        with self._vault.database.read() as session:
            if handle_of(name) in ConceptRepository(session).handles(owner):
                raise _name_taken(name)


def _for_each(photos: Sequence[bytes], check: Callable[[bytes], R]) -> list[R]:
    results = []
    for number, data in enumerate(photos, 1):
        try:
            results.append(check(data))
        except InvalidPhoto as error:
            which = f"Photo {number} of {len(photos)}: " if len(photos) > 1 else ""
            raise InvalidPhoto(f"{which}{error}") from error
    return results


def _understanding(read: _Read, group: int) -> Understanding:
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


def _likeliest(read: Sequence[_Read]) -> str:
    scores: dict[str, float] = {}
    for one in read:
        for kind, score in one.reading.kinds:
            scores[kind] = scores.get(kind, 0.0) + score
    return max(scores, key=lambda kind: scores[kind]) if scores else KIND_UNKNOWN


def _merged(before: tuple[Fact, ...], texts: tuple[str, ...]) -> tuple[Fact, ...]:
    since = {fact.text: fact.added_at for fact in before}
    now = datetime.now(UTC)
    return tuple(Fact(text=text, added_at=since.get(text, now)) for text in texts)


def _name_taken(name: str) -> NameTaken:
    return NameTaken(f"There is a concept @{handle_of(name)} already. Choose another name, or forget that one first.")
