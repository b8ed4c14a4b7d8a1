"""How good drawn pictures are, and which of them are the best."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PIL import Image

from studio.domain.scores import Scores
from studio.engines.base import ImageJob, MeterEngine, Report
from studio.errors import ModelMissing

logger = logging.getLogger(__name__)


class Scorer:
    """Measures pictures; its methods run on the device thread."""

    def __init__(self, engine: MeterEngine) -> None:
        self._engine = engine

    def scores(self, images: Sequence[Image.Image], job: ImageJob, report: Report, *, must: bool) -> list[Scores]:
        """Return the scores of the pictures of a job, in their order.

        Args:
            images: RGBA, one for each seed of the job.
            job: what they were drawn for.
            report: told before each picture.
            must: whether nothing can be done without scores.

        Raises:
            ModelMissing: a model could not be had, and `must`. Otherwise that is logged and the pictures have no
                scores: they are worth keeping without.
        """
        try:
            scores = self._engine.score(images, job, report)
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
