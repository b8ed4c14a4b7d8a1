"""What is in a photo: look at it once, answer from what is known now, learn from corrections at once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from studio.domain.concepts import Concept
from studio.domain.identifiers import IdSource
from studio.domain.recognition import Example, Found, Recognition, check_photo_count
from studio.engines.base import PhotoPlaces, RecognitionEngine, Remembered, Report, Sighting
from studio.errors import NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.services.photos import which_photo
from studio.services.shortlisting import Shortlisting
from studio.storage.concepts import ConceptRepository
from studio.storage.examples import ExampleRepository, LookRepository
from studio.storage.ingest import check_photo, decode_photo, encode_photo
from studio.storage.vault import Vault

# The networks see 224 to 320 pixels of a place, so this is enough for places of a fifth of the photo.
WORKING_EDGE = 1280
_REMEMBERING = 0.5  # share of the work that looking at new photos of concepts takes, where there are any


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A photo that was looked at; what it shows is asked of the service, since what is known may change.

    Attributes:
        photo: JPEG without metadata, its longer side at most `WORKING_EDGE` pixels.
        places: of that photo.
        width: of the upright photo in pixels.
        height: of the upright photo in pixels.
    """

    photo: bytes
    places: PhotoPlaces
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class _Missing:
    """A photo or example that the engine has not looked at yet."""

    id: str
    concept_id: str
    file: str
    example: bool


class RecognitionService:
    """Recognises the concepts of an owner; those of others cost nothing and are never compared with."""

    def __init__(self, *, vault: Vault, jobs: JobRunner, engine: RecognitionEngine, ids: IdSource) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._ids = ids
        self._shortlisting = Shortlisting(vault.database, engine)

    def look(self, photos: Sequence[bytes], owner: str = "local") -> Job[tuple[Seen, ...]]:
        """Look at 1–40 uploaded photos; nothing of them is stored.

        Raises:
            InvalidInput: no photo or too many.
            InvalidPhoto: a file is not a usable picture, here or, when it is damaged, as the job's error.
        """
        check_photo_count(len(photos))
        for number, data in enumerate(photos, 1):
            with which_photo(number, len(photos)):
                check_photo(data)

        def work(report: Report) -> tuple[Seen, ...]:
            self._remember_new(owner, part(report, 0.0, _REMEMBERING))
            return self._look(photos, owner, part(report, _REMEMBERING, 1.0))

        return self._jobs.start("Look for what is known", work, owner)

    def answer(self, seen: Sequence[Seen], owner: str = "local") -> tuple[Recognition, ...]:
        """Say what each photo shows, by what is known at this moment."""
        self._remember_new(owner, _quietly)
        concepts, known = self._known(seen, owner)
        return tuple(_recognition(one, concepts, self._engine.decide(one.places, known)) for one in seen)

    def model(self) -> str:
        """Return the name and version of what looks at photos."""
        return self._engine.model()

    def glance(self, photo: Image.Image, owner: str = "local") -> PhotoPlaces:
        """Find the places of an upright RGB photo; takes time, so it belongs into a job."""
        return self._engine.places(photo, self._kinds(owner))

    def confirm(self, seen: Seen, region: int, concept: str, owner: str = "local") -> Concept:
        """Remember that a place shows a concept, and that it does not show what it was taken for.

        Args:
            seen: the photo.
            region: of a `Found`.
            concept: its name, handle or id.
            owner: whose concept it is.

        Raises:
            UnknownConcept: the owner has no such concept.
            NotFound: the photo has no such place.
        """
        taken_for = self._taken_for(seen, region, owner)
        told = self._told(concept, owner)
        verdicts = {told.id: True}
        if taken_for is not None and taken_for != told.id:
            verdicts[taken_for] = False
        self._keep(seen, region, verdicts, owner)
        return told

    def refuse(self, seen: Seen, region: int, owner: str = "local") -> None:
        """Remember that a place does not show the concept it was taken for; no effect where it was taken for none.

        Raises:
            NotFound: the photo has no such place.
        """
        taken_for = self._taken_for(seen, region, owner)
        if taken_for is not None:
            self._keep(seen, region, {taken_for: False}, owner)

    def examples(self, concept_id: str, owner: str = "local") -> list[Example]:
        """Return what was said about places that do or do not show a concept."""
        with self._vault.database.read() as session:
            return ExampleRepository(session).of_concept(concept_id, owner)

    def forget_examples(self, concept_id: str, owner: str = "local") -> None:
        """Take back everything that was said about places and a concept; its photos stay."""
        with self._vault.database.write() as session:
            examples = ExampleRepository(session)
            files = [example.file for example in examples.of_concept(concept_id, owner)]
            examples.forget(concept_id, owner)
        self._vault.sweep(files)

    def _kinds(self, owner: str) -> list[str]:
        """Return the class words of what `owner` has, as a hint where to look."""
        with self._vault.database.read() as session:
            return ConceptRepository(session).kinds(owner)

    def _look(self, photos: Sequence[bytes], owner: str, report: Report) -> tuple[Seen, ...]:
        seen = []
        kinds = self._kinds(owner)
        for number, data in enumerate(photos, 1):
            report((number - 1) / len(photos), f"Looking at photo {number} of {len(photos)}")
            with which_photo(number, len(photos)):
                photo = decode_photo(data)
            width, height = photo.size
            photo.thumbnail((WORKING_EDGE, WORKING_EDGE), Image.Resampling.LANCZOS)
            places = self._engine.places(photo, kinds)
            seen.append(Seen(photo=encode_photo(photo), places=places, width=width, height=height))
        return tuple(seen)

    def _remember_new(self, owner: str, report: Report) -> None:
        """Look at the photos and examples that this model has not seen yet, and keep what they look like."""
        model = self._engine.model()
        missing = self._missing(owner, model)
        for number, one in enumerate(missing):
            report(number / len(missing), f"Remembering photo {number + 1} of {len(missing)}")
            photo = _opened(self._vault.files.get(one.file))
            data = self._engine.places(photo).looks[0] if one.example else self._engine.remember(photo)
            self._keep_look(one.id, one.concept_id, data, owner)
        self._shortlisting.prepare(owner)

    def _missing(self, owner: str, model: str) -> list[_Missing]:
        with self._vault.database.read() as session:
            concepts = ConceptRepository(session).all(owner)
            examples = ExampleRepository(session).all(owner)
            there = LookRepository(session).ids(owner, model)
        wanted = [
            _Missing(id=photo.id, concept_id=concept.id, file=photo.file, example=False)
            for concept in concepts
            for photo in concept.photos
        ] + [_Missing(id=one.id, concept_id=one.concept_id, file=one.file, example=True) for one in examples]
        return [one for one in wanted if one.id not in there]

    def _keep_look(self, of: str, concept_id: str, data: bytes, owner: str) -> None:
        with self._vault.database.write() as session:
            # It may have been forgotten while the device worked.
            if ConceptRepository(session).by_id(concept_id, owner) is not None:
                LookRepository(session).keep(of, data, model=self._engine.model(), concept_id=concept_id, owner=owner)

    def _known(self, seen: Sequence[Seen], owner: str) -> tuple[list[Concept], list[Remembered]]:
        model = self._engine.model()
        with self._vault.database.read() as session:
            chosen = self._shortlisting.choose(session, [look for one in seen for look in one.places.looks], owner)
            of_concepts, of_looks = ConceptRepository(session), LookRepository(session)
            concepts = of_concepts.all(owner) if chosen is None else of_concepts.some(chosen, owner)
            looks = of_looks.all(owner, model) if chosen is None else of_looks.some(owner, model, chosen)
            examples = ExampleRepository(session).all(owner)
        shown: dict[str, list[bytes]] = {
            concept.id: [looks[photo.id] for photo in concept.photos if photo.id in looks] for concept in concepts
        }
        not_shown: dict[str, list[bytes]] = {concept.id: [] for concept in concepts}
        for example in examples:
            if example.id in looks:
                (shown if example.shows_it else not_shown)[example.concept_id].append(looks[example.id])
        there = [concept for concept in concepts if shown[concept.id]]
        known = [
            Remembered(looks=tuple(shown[concept.id]), not_looks=tuple(not_shown[concept.id])) for concept in there
        ]
        return there, known

    def _taken_for(self, seen: Seen, region: int, owner: str) -> str | None:
        _check_region(seen, region)
        (answer,) = self.answer([seen], owner)
        return next((one.concept_id for one in answer.found if one.region == region), None)

    def _told(self, concept: str, owner: str) -> Concept:
        with self._vault.database.read() as session:
            return ConceptRepository(session).get(concept, owner)

    def _keep(self, seen: Seen, region: int, verdicts: dict[str, bool], owner: str) -> None:
        photo = _opened(seen.photo)
        crop = encode_photo(photo.crop(_pixels(seen.places.boxes[region], photo.size)))
        with self._vault.storing() as act:
            file = act.put(crop, ".jpg")
            for concept_id, shows_it in verdicts.items():
                example = Example(id=self._ids(), concept_id=concept_id, file=file, shows_it=shows_it, owner=owner)
                kept = ExampleRepository(act.session).keep(example)
                LookRepository(act.session).keep(
                    kept, seen.places.looks[region], model=self._engine.model(), concept_id=concept_id, owner=owner
                )


def _recognition(seen: Seen, concepts: Sequence[Concept], sightings: Sequence[Sighting]) -> Recognition:
    found = []
    for one in sightings:
        concept = None if one.known is None else concepts[one.known]
        found.append(
            Found(
                region=one.place,
                box=_pixels(seen.places.boxes[one.place], (seen.width, seen.height)),
                concept_id=None if concept is None else concept.id,
                concept=None if concept is None else concept.name,
                score=one.score,
            )
        )
    return Recognition(width=seen.width, height=seen.height, found=tuple(found))


def _pixels(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    left, top = min(round(box[0] * width), width - 1), min(round(box[1] * height), height - 1)
    return left, top, max(left + 1, round(box[2] * width)), max(top + 1, round(box[3] * height))


def _check_region(seen: Seen, region: int) -> None:
    if not 0 <= region < len(seen.places.boxes):
        raise NotFound(f"The photo has no place {region}; it has {len(seen.places.boxes)}, counted from 0.")


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def _quietly(share: float, message: str = "", preview: Image.Image | None = None) -> None:
    """Report to nobody."""
