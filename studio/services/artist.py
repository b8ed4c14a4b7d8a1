"""Draws candidates, measures how good they are and picks the best: the image engine and the meters together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from studio.domain.scores import Scores
from studio.engines.base import ImageCapabilities, ImageEngine, ImageJob, MeterEngine, Report
from studio.errors import ModelMissing
from studio.services.jobs import part

_DRAWING = 0.9  # share of the work; looking at what was drawn is the rest
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A drawn picture: which of the job's seeds it is of, and its scores."""

    place: int
    image: Image.Image
    scores: Scores


class Artist:
    """Its methods run on the device thread, except `capabilities`."""

    def __init__(self, image: ImageEngine, meter: MeterEngine) -> None:
        self.image = image
        self.meter = meter

    def capabilities(self) -> ImageCapabilities:
        """Say what the image engine can do; cheap, loads no weights."""
        return self.image.capabilities()

    def draw(self, job: ImageJob, best_of: int, report: Report) -> list[Candidate]:
        """Draw one picture per seed of the job, and return the best of the first `best_of`, of the next, and so on.

        Raises:
            ModelMissing: a model of the image engine could not be had, or, where the best of several is to be picked,
                one of the meters. Otherwise pictures have no scores then: they are worth keeping without.
        """
        images = self.image.generate(job, part(report, 0.0, _DRAWING))
        assert len(images) == len(job.seeds), f"{len(images)} pictures for {len(job.seeds)} seeds"
        scores = self._scores(images, job, part(report, _DRAWING, 1.0), must=best_of > 1)
        return [
            Candidate(place=place, image=images[place], scores=scores[place])
            for place in best_of_each(scores, best_of, job.fidelity)
        ]

    def _scores(self, images: Sequence[Image.Image], job: ImageJob, report: Report, *, must: bool) -> list[Scores]:
        try:
            scores = self.meter.score(images, job, report)
        except ModelMissing as error:
            if must:
                raise
            logger.warning("Pictures are kept without scores: %s", error)
            return [Scores() for _ in images]
        assert len(scores) == len(images), f"{len(scores)} scores for {len(images)} pictures"
        return scores


def best_of_each(scores: Sequence[Scores], best_of: int, fidelity: float) -> list[int]:
    """Return the place of the best of the first `best_of` pictures, then that of the next, and so on.

    Where two are equally good, the first is taken. See `Scores.together` for what is best.
    """
    return [
        max(range(start, start + best_of), key=lambda place: scores[place].together(fidelity))
        for start in range(0, len(scores), best_of)
    ]
