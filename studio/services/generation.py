"""Pictures from prompts: mentions bound to concepts, numbers resolved, results kept with their recipe."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from PIL import Image

from studio.domain.concepts import Concept, handle_of
from studio.domain.drawings import Drawing
from studio.domain.generation import SEED_MAX, GenerateRequest, Picture, Pose, Recipe, check_together
from studio.domain.identifiers import IdSource
from studio.domain.mentions import find_mentions, normalize, replace_mentions, unknown_concept
from studio.domain.scores import Scores
from studio.domain.style_loras import StyleLora, with_trigger
from studio.engines.base import ImageCapabilities, ImageJob, Report, Subject
from studio.errors import InvalidInput, NotFound
from studio.services.artist import Artist, Candidate
from studio.services.drawings import DrawingLog
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import Personalizer
from studio.services.style_loras import StyleLoraService
from studio.storage.concepts import ConceptRepository
from studio.storage.drawings import DrawingRepository
from studio.storage.pictures import PictureRepository
from studio.storage.recipes import encode_png
from studio.storage.vault import Vault

_PERSONALIZING = 0.3  # share of the work when LoRAs have to be predicted first
_DRAWING = 0.98


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture that is drawn and not kept yet."""

    image: Image.Image
    recipe: Recipe
    seconds: float
    scores: Scores = dataclasses.field(default_factory=Scores)


class GenerationService:
    """Draws what is asked for and keeps it."""

    def __init__(  # noqa: PLR0913 - the parts of the studio that a picture needs
        self,
        *,
        vault: Vault,
        jobs: JobRunner,
        artist: Artist,
        personalizer: Personalizer,
        styles: StyleLoraService,
        log: DrawingLog,
        ids: IdSource,
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._artist = artist
        self._personalizer = personalizer
        self._styles = styles
        self._log = log
        self._ids = ids

    def capabilities(self) -> ImageCapabilities:
        """Say what the image engine can do; cheap, loads no weights."""
        return self._artist.capabilities()

    def start(self, request: GenerateRequest, *, instead_of: str | None = None) -> Job[tuple[Picture, ...]]:
        """Draw `request.count` pictures, each the best of so many candidates, and keep it with its recipe and scores.

        Args:
            request: what to draw.
            instead_of: an interrupted drawing that this one takes the place of; see `interrupted`.

        Raises:
            UnknownConcept: a mention or `request.concept` is not a concept of the owner.
            InvalidInput: more things are mentioned than one picture can hold.
            NotFound: there is no interrupted drawing `instead_of`, or no style LoRA of that name.
            StorageFull: the disk has no room for the record; nothing is drawn.
        """
        job, ids = self._resolved(request)
        resolved = dataclasses.replace(request, seed=job.seeds[0], steps=job.steps, guidance=job.guidance)
        drawing = self._log.enter(resolved, instead_of=instead_of)
        return self._jobs.start(
            f"Draw {request.prompt[:60]}",
            lambda report: self._draw(job, ids, request, report, drawing),
            request.owner,
            job_id=drawing.id,
            settled=lambda: self._log.settle(drawing),
        )

    def work(self, request: GenerateRequest) -> Callable[[Report], tuple[Picture, ...]]:
        """Return the drawing of `request` as a piece of a larger work; raises `UnknownConcept` at once.

        It is not put on record: taking it up again after an interruption is the larger work's to offer.
        """
        job, ids = self._resolved(request)
        return lambda report: self._draw(job, ids, request, report)

    def _resolved(self, request: GenerateRequest) -> tuple[ImageJob, list[str]]:
        """Return the request with nothing left open, and the ids of its concepts."""
        prompt, concepts = self._bound(request)
        style = self._styles.asked_for(request)
        abilities = self.capabilities()
        if request.palette and not abilities.palettes:
            raise InvalidInput(f"{abilities.model} takes no palette. Name the colours in the prompt instead.")
        first = secrets.randbelow(SEED_MAX + 1) if request.seed is None else request.seed
        seeds = tuple((first + number) % (SEED_MAX + 1) for number in range(request.candidates))
        pose = Pose(request.pose) if abilities.photo_poses and concepts else Pose.DRAWN
        job = ImageJob(
            prompt=prompt if style is None else with_trigger(prompt, style.trigger),
            subjects=(),
            seeds=seeds,
            steps=abilities.default_steps if request.steps is None else request.steps,
            guidance=abilities.default_guidance if request.guidance is None else request.guidance,
            fidelity=request.fidelity,
            palette=request.palette,
            # The candidates for one picture share its pose: where some of each are wanted, some of each are kept.
            poses=tuple(pose.of(first + number // request.best_of) for number in range(len(seeds))),
        )
        return job, [concept.id for concept in concepts]

    def interrupted(self, owner: str = "local") -> list[Drawing]:
        """Return the drawings that were waiting or being drawn when their process ended, the newest first."""
        return self._log.interrupted(owner)

    def resume(self, drawing_id: str, owner: str = "local") -> Job[tuple[Picture, ...]]:
        """Draw an interrupted drawing again, by the same recipe but in nobody's taste; raises as `start`."""
        return self.start(self._log.find_interrupted(drawing_id, owner).request, instead_of=drawing_id)

    def dismiss(self, drawing_id: str, owner: str = "local") -> None:
        """Forget an interrupted drawing; raises `NotFound` when there is none of that id."""
        self._log.settle(self._log.find_interrupted(drawing_id, owner))

    def _bound(self, request: GenerateRequest) -> tuple[str, list[Concept]]:
        """Return the prompt with mentions in normal form, and the concepts in order of mention, each once."""
        prompt = normalize(request.prompt)
        with self._vault.database.read() as session:
            concepts = ConceptRepository(session)
            handles = concepts.names(request.owner)
            wanted = [prompt[mention.start + 1 : mention.end] for mention in find_mentions(prompt, handles)]
            if request.concept:
                wanted.append(request.concept.strip().removeprefix("@"))
            found: dict[str, Concept] = {}
            for name in wanted:
                concept = concepts.find(name, request.owner)
                if concept is None:
                    raise unknown_concept(name, handles)
                found[concept.id] = concept
        check_together([concept.handle for concept in found.values()])
        # A further name is drawn as the first one, which is what the engine is told of the subject.
        first = {handle: handle_of(name) for handle, (_, name) in handles.items()}
        return replace_mentions(prompt, handles, lambda handle: f"@{first[handle]}"), list(found.values())

    def _draw(
        self, job: ImageJob, ids: list[str], request: GenerateRequest, report: Report, drawing: Drawing | None = None
    ) -> tuple[Picture, ...]:
        drawn = self._drawn(job, ids, request, part(report, 0.0, _DRAWING))
        report(_DRAWING, "Keeping the pictures")  # the last moment to stop
        return self.keep(drawn, request.owner, drawing)

    def _drawn(self, job: ImageJob, ids: list[str], request: GenerateRequest, report: Report) -> tuple[Drawn, ...]:
        concepts = self._current(ids, request.owner)
        subjects = self._subjects(concepts, part(report, 0.0, _PERSONALIZING))
        style = self._styles.asked_for(request)
        job = dataclasses.replace(job, subjects=subjects, style=self._styles.drawn_with(style))
        began = time.monotonic()
        best = self._artist.draw(job, request.best_of, part(report, _PERSONALIZING if subjects else 0.0, 1.0))
        seconds = (time.monotonic() - began) / len(job.seeds)
        return tuple(
            Drawn(
                image=one.image,
                recipe=self._recipe(job, one, concepts, style),
                seconds=seconds,
                scores=one.scores,
            )
            for one in best
        )

    def drawn(self, request: GenerateRequest, *, taste: bytes = b"") -> Callable[[Report], tuple[Drawn, ...]]:
        """Return the drawing of `request` without keeping it, for works that choose; raises as `work`.

        Args:
            request: what to draw.
            taste: tokens of a taste, see `TasteVariant`; an image engine that knows none goes by the words alone.
        """
        job, ids = self._resolved(request)
        if self.capabilities().tastes:
            job = dataclasses.replace(job, taste=taste)
        return lambda report: self._drawn(job, ids, request, report)

    def keep(self, drawn: Sequence[Drawn], owner: str, drawing: Drawing | None = None) -> tuple[Picture, ...]:
        """Keep drawn pictures with their recipes, all or none; what is on record as `drawing` has then ended."""
        encoded = [encode_png(one.image) for one in drawn]
        now = datetime.now(UTC)
        with self._vault.storing() as act:
            pictures = tuple(
                Picture(
                    id=self._ids(),
                    file=act.put(data, ".png"),
                    width=one.image.width,
                    height=one.image.height,
                    recipe=one.recipe,
                    created_at=now,
                    owner=owner,
                    seconds=one.seconds,
                    scores=one.scores,
                )
                for one, data in zip(drawn, encoded, strict=True)
            )
            records = PictureRepository(act.session)
            for picture in pictures:
                records.add(picture)
            # In the same act: what is kept is not offered again, whatever happens next.
            if drawing is not None:
                DrawingRepository(act.session).delete(drawing.id, owner)
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
                cutouts=self._personalizer.cutouts(concept),
            )
            for number, concept in enumerate(concepts)
        )

    def _recipe(self, job: ImageJob, drawn: Candidate, concepts: list[Concept], style: StyleLora | None) -> Recipe:
        abilities = self.capabilities()
        return Recipe(
            prompt=job.prompt,
            seed=job.seeds[drawn.place],
            steps=job.steps,
            guidance=job.guidance,
            fidelity=job.fidelity,
            pose=job.poses[drawn.place],
            scheduler=abilities.scheduler,
            model=abilities.model,
            model_hash=abilities.model_hash,
            width=drawn.image.width,
            height=drawn.image.height,
            concepts=tuple(concept.id for concept in concepts),
            concept_names=tuple(concept.name for concept in concepts),
            style_lora=style.id if style else "",
            style_name=style.name if style else "",
            style_digest=style.digest if style else "",
            style_strength=style.strength if style else None,
            palette=job.palette,
        )


def _piece(report: Report, number: int, concepts: list[Concept]) -> Report:
    return part(report, number / len(concepts), (number + 1) / len(concepts))
