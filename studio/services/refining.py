"""Refining what was predicted: a few steps of training on a concept's own photos, kept or discarded."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Sequence

from PIL import Image

from studio.domain.concepts import Concept
from studio.domain.jobs import Status
from studio.domain.refining import Refinement
from studio.engines.base import ImageEngine, RefiningEngine, Report
from studio.errors import InvalidInput, NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import ADAPTER_SUFFIX, Personalizer
from studio.storage.concepts import ConceptRepository
from studio.storage.vault import Vault

_PREDICTING = 0.1  # share of the work when the LoRA has to be predicted first
_SHOWN_EDGE = 256


class RefineService:
    """Refines the LoRAs of concepts; an owner only ever meets their own."""

    def __init__(
        self, *, vault: Vault, jobs: JobRunner, personalizer: Personalizer, engine: RefiningEngine, image: ImageEngine
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._personalizer = personalizer
        self._engine = engine
        self._image = image
        self._undecided: dict[tuple[str, str], str] = {}  # (owner, concept) → job

    def start(self, name: str, owner: str = "local") -> Job[Refinement]:
        """Refine the LoRA of a concept and measure what that brings; nothing is kept before `keep`.

        Raises:
            UnknownConcept: the owner has none of that name, handle or id.
            InvalidInput: the image model draws nobody's own things.
        """
        with self._vault.database.read() as session:
            concept = ConceptRepository(session).get(name, owner)
        if not self._image.capabilities().personal:
            raise InvalidInput("The image model draws things by their class word: there is no personal LoRA to refine.")
        job = self._jobs.start(f"Refine {concept.name}", lambda report: self._refine(concept, report), owner)
        self._undecided[owner, concept.id] = job.id
        return job

    def undecided(self, concept_id: str, owner: str = "local") -> Job[object] | None:
        """Return the newest refinement of a concept that was neither kept nor discarded; it may still be running."""
        try:
            return self._jobs.get(self._undecided.get((owner, concept_id), ""), owner)
        except NotFound:
            return None

    def of(self, job_id: str, owner: str = "local") -> Refinement:
        """Return what a job has refined.

        Raises:
            NotFound: there is no such job any more, or it has no refinement.
        """
        job = self._jobs.get(job_id, owner)
        found = job.result(timeout=0) if job.status is Status.DONE else None
        if not isinstance(found, Refinement):
            raise NotFound(f"The job {job_id[:40]!r} has refined nothing.")
        return found

    def discard(self, job_id: str, owner: str = "local") -> None:
        """Let the LoRA of before stay."""
        self._undecided = {key: known for key, known in self._undecided.items() if (key[0], known) != (owner, job_id)}

    def keep(self, job_id: str, owner: str = "local") -> Concept:
        """Give the concept the LoRA that a job has refined.

        Raises:
            NotFound: there is no such refinement, or the concept was forgotten meanwhile.
            InvalidInput: its LoRA is not the one that was refined any more.
        """
        refinement = self.of(job_id, owner)
        self.discard(job_id, owner)  # whatever comes of it, it is decided
        with self._vault.storing() as act:
            concepts = ConceptRepository(act.session)
            concept = concepts.by_id(refinement.concept_id, owner)
            if concept is None:
                raise NotFound(f"{refinement.name} was forgotten before its refinement was kept.")
            if concept.adapter != refinement.replaces or concept.adapter_model != self._personalizer.model():
                raise InvalidInput(f"{concept.name} was changed while it was refined. Refine it once more.")
            kept = dataclasses.replace(concept, adapter=act.put(refinement.adapter, ADAPTER_SUFFIX))
            concepts.replace(kept)
        self._vault.sweep([refinement.replaces])
        return kept

    def _refine(self, concept: Concept, report: Report) -> Refinement:
        began = time.monotonic()
        adapter = self._personalizer.adapter(concept, part(report, 0.0, _PREDICTING))
        with self._vault.database.read() as session:
            current = ConceptRepository(session).by_id(concept.id, concept.owner)
        if current is None or current.adapter is None:
            raise NotFound(f"{concept.name} was forgotten before it was refined.")
        cutouts = self._personalizer.cutouts(current)
        refined = self._engine.refine(adapter, cutouts, current.kind, part(report, _PREDICTING, 1.0))
        return Refinement(
            concept_id=current.id,
            name=current.name,
            replaces=current.adapter,
            adapter=refined.adapter,
            before=side_by_side(refined.pictures_before),
            after=side_by_side(refined.pictures_after),
            likeness_before=refined.likeness_before,
            likeness_after=refined.likeness_after,
            error=refined.error,
            colours_before=refined.colours_before,
            colours_after=refined.colours_after,
            helps=refined.helps,
            seconds=time.monotonic() - began,
        )


def side_by_side(pictures: Sequence[Image.Image]) -> bytes:
    """Return pictures in a row on transparent ground, WebP."""
    row = Image.new("RGBA", (_SHOWN_EDGE * len(pictures), _SHOWN_EDGE))
    for number, picture in enumerate(pictures):
        row.paste(picture.convert("RGBA").resize((_SHOWN_EDGE, _SHOWN_EDGE)), (number * _SHOWN_EDGE, 0))
    buffer = io.BytesIO()
    row.save(buffer, "WEBP", quality=85)
    return buffer.getvalue()
