"""Pictures from prompts: mentions bound to concepts, numbers resolved, results kept with their recipe."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from PIL import Image

from studio.domain.concepts import Concept
from studio.domain.generation import SEED_MAX, GenerateRequest, Picture, Recipe
from studio.domain.identifiers import IdSource
from studio.domain.mentions import find_mentions, normalize, replace_mentions, unknown_concept
from studio.engines.base import ImageCapabilities, ImageEngine, ImageJob, Report, Subject
from studio.errors import NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import Personalizer
from studio.storage.concepts import ConceptRepository
from studio.storage.pictures import PictureRepository
from studio.storage.recipes import encode_png
from studio.storage.vault import Vault

_PERSONALIZING = 0.3  # share of the work when LoRAs have to be predicted first
_DRAWING = 0.98


class GenerationService:
    """Draws what is asked for and keeps it."""

    def __init__(
        self,
        *,
        vault: Vault,
        jobs: JobRunner,
        engine: ImageEngine,
        personalizer: Personalizer,
        ids: IdSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._personalizer = personalizer
        self._ids = ids
        self._clock = clock

    def capabilities(self) -> ImageCapabilities:
        """Say what the image engine can do; cheap, loads no weights."""
        return self._engine.capabilities()

    def start(self, request: GenerateRequest) -> Job[tuple[Picture, ...]]:
        """Draw `request.count` pictures and keep each with its recipe.

        Raises:
            UnknownConcept: a mention or `request.concept` is not a concept of the owner.
        """
        return self._jobs.start(f"Draw {request.prompt[:60]}", self.work(request), request.owner)

    def work(self, request: GenerateRequest) -> Callable[[Report], tuple[Picture, ...]]:
        """Return the drawing of `request` as a piece of work for the device thread; raises as `start`, at once."""
        prompt, concepts = self._bound(request)
        abilities = self.capabilities()
        first = secrets.randbelow(SEED_MAX + 1) if request.seed is None else request.seed
        job = ImageJob(
            prompt=prompt,
            subjects=(),
            seeds=tuple((first + number) % (SEED_MAX + 1) for number in range(request.count)),
            steps=abilities.default_steps if request.steps is None else request.steps,
            guidance=abilities.default_guidance if request.guidance is None else request.guidance,
            fidelity=request.fidelity,
        )
        ids = [concept.id for concept in concepts]
        return lambda report: self._draw(job, ids, request.owner, report)

    def _bound(self, request: GenerateRequest) -> tuple[str, list[Concept]]:
        """Return the prompt with mentions in normal form, and the concepts in order of mention, each once."""
        prompt = normalize(request.prompt)
        with self._vault.database.read() as session:
            concepts = ConceptRepository(session)
            handles = concepts.handles(request.owner)
            wanted = [prompt[mention.start + 1 : mention.end] for mention in find_mentions(prompt, handles)]
            if request.concept:
                wanted.append(request.concept.strip().removeprefix("@"))
            found: dict[str, Concept] = {}
            for name in wanted:
                concept = concepts.find(name, request.owner)
                if concept is None:
                    raise unknown_concept(name, handles)
                found[concept.id] = concept
        return replace_mentions(prompt, handles, lambda handle: f"@{handle}"), list(found.values())

    def _draw(self, job: ImageJob, ids: list[str], owner: str, report: Report) -> tuple[Picture, ...]:
        concepts = self._current(ids, owner)
        subjects = self._subjects(concepts, part(report, 0.0, _PERSONALIZING))
        began = self._clock()
        drawing = part(report, _PERSONALIZING if subjects else 0.0, _DRAWING)
        images = self._engine.generate(dataclasses.replace(job, subjects=subjects), drawing)
        assert len(images) == len(job.seeds), f"{len(images)} pictures for {len(job.seeds)} seeds"
        seconds = (self._clock() - began) / len(images)
        encoded = [encode_png(image) for image in images]
        report(_DRAWING, "Keeping the pictures")  # the last moment to stop
        now = datetime.now(UTC)
        with self._vault.storing() as act:
            pictures = tuple(
                Picture(
                    id=self._ids(),
                    file=act.put(data, ".png"),
                    width=image.width,
                    height=image.height,
                    recipe=self._recipe(job, seed, image, concepts),
                    created_at=now,
                    owner=owner,
                    seconds=seconds,
                )
                for seed, image, data in zip(job.seeds, images, encoded, strict=True)
            )
            records = PictureRepository(act.session)
            for picture in pictures:
                records.add(picture)
        return pictures

    def _current(self, ids: list[str], owner: str) -> list[Concept]:
        """Return the concepts as they are now; between asking and drawing they may have changed or gone."""
        with self._vault.database.read() as session:
            records = ConceptRepository(session)
            concepts = [records.by_id(concept_id, owner) for concept_id in ids]
        if None in concepts:
            raise NotFound("A concept of this prompt was forgotten before its picture was drawn.")
        return [concept for concept in concepts if concept is not None]

    def _subjects(self, concepts: list[Concept], report: Report) -> tuple[Subject, ...]:
        personal = self.capabilities().personal
        return tuple(
            Subject(
                mention=concept.handle,
                kind=concept.kind,
                adapter=self._personalizer.adapter(concept, _piece(report, number, concepts)) if personal else None,
            )
            for number, concept in enumerate(concepts)
        )

    def _recipe(self, job: ImageJob, seed: int, image: Image.Image, concepts: list[Concept]) -> Recipe:
        abilities = self.capabilities()
        return Recipe(
            prompt=job.prompt,
            seed=seed,
            steps=job.steps,
            guidance=job.guidance,
            fidelity=job.fidelity,
            scheduler=abilities.scheduler,
            model=abilities.model,
            model_hash=abilities.model_hash,
            width=image.width,
            height=image.height,
            concepts=tuple(concept.id for concept in concepts),
            concept_names=tuple(concept.name for concept in concepts),
        )


def _piece(report: Report, number: int, concepts: list[Concept]) -> Report:
    return part(report, number / len(concepts), (number + 1) / len(concepts))
