"""Which known thing a place shows, or none: looks against the remembered ones, one calibrated scale for all.

Shape legend: R places in a photo, K known things, P looks of one thing, D width of a look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray
from pipelines.recognition.regions import WHOLE, Box, area, overlap, shared

# How strongly the nearest of several remembered looks counts: 0 is their mean, large is the nearest alone. At 40 one
# threshold fits things with one photo and with three; the nearest alone would need a higher one for three.
_SHARPNESS = 40.0


@dataclass(frozen=True, kw_only=True)
class KnownThing:
    """What is remembered of a thing.

    Attributes:
        looks: [P, D], at least one row.
        not_looks: [P′, D]: what somebody said is not this thing; may be empty.
    """

    looks: FloatArray
    not_looks: FloatArray


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """From likeness to a probability, 1 / (1 + exp(−slope · (likeness − threshold))).

    The likeliest of many things is likelier by chance than the likeliest of a few, so that one threshold for all
    would name more and more strangers. Where likenesses to other things fall off exponentially, which their tail does,
    the largest of n grows with log n; so does the threshold here.

    Attributes:
        threshold: the likeness at which yes and no are equally likely, for at most `things` known things.
        slope: per unit of likeness.
        growth: of the threshold with each tenfold number of known things beyond that.
        things: known things that `threshold` was measured with.
    """

    threshold: float
    slope: float
    growth: float = 0.0
    things: int = 1

    def threshold_among(self, things: int) -> float:
        """Return the threshold for this many known things."""
        return self.threshold + self.growth * math.log10(max(1.0, things / self.things))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A place and what it shows.

    Attributes:
        region: index of the place among those that were judged.
        known: index of the thing; None: none of the known ones.
        score: probability that it is `known`, or, where that is None, of the likeliest thing; 0–1.
    """

    region: int
    known: int | None
    score: float


class Matcher:
    """Compares looks, on one scale for all things.

    Taking off how alike a look is to a fixed cohort (240 drawings of other things) or to the other known things, as
    speaker verification does, was measured and brought nothing: the shares of right accepts stayed within 0.01.

    Args:
        calibration: measured on other things than those it is used for.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration

    def scores(self, looks: FloatArray, known: Sequence[KnownThing], *, among: int | None = None) -> FloatArray:
        """Return the probability that each place shows each thing.

        A place that is more like something the thing is not than like the thing itself has probability 0.

        Args:
            looks: [R, D], rows of length 1.
            known: the K things.
            among: how many things are known, where these are only the likeliest of them; None: K.

        Returns:
            float32 [R, K] in 0–1.
        """
        threshold = self.calibration.threshold_among(len(known) if among is None else among)
        columns = [self._column(looks, thing, threshold) for thing in known]
        return np.stack(columns, axis=1) if columns else np.zeros((len(looks), 0), np.float32)

    def _column(self, looks: FloatArray, thing: KnownThing, threshold: float) -> FloatArray:
        scale = self.calibration.slope * (likeness(looks, thing.looks) - threshold)
        probability: FloatArray = (1 / (1 + np.exp(-scale))).astype(np.float32)
        if len(thing.not_looks):
            nearest = (looks @ thing.looks.T).max(axis=1)
            probability[(looks @ thing.not_looks.T).max(axis=1) > nearest] = 0.0
        return probability


def likeness(looks: FloatArray, remembered: FloatArray) -> FloatArray:
    """Return how alike looks are to the remembered ones of one thing.

    Args:
        looks: [R, D], rows of length 1.
        remembered: [P, D], rows of length 1.

    Returns:
        float32 [R], from −1 to 1.
    """
    soft: FloatArray = np.log(np.exp(_SHARPNESS * (looks @ remembered.T)).mean(axis=1)) / _SHARPNESS
    return soft


def assign(
    boxes: Sequence[Box], scores: FloatArray, *, least: float = 0.5, unknown_area: float = 0.01
) -> list[Finding]:
    """Decide what a photo shows: every thing at most once, and at every place at most one thing.

    The surest pairs are settled first. A thing found in the whole photo is shown at the surest part of it that is
    sure enough by itself and still free; the whole photo stands for it only where there is none.

    Args:
        boxes: R places; the whole photo may be among them.
        scores: [R, K] probabilities.
        least: below it a place is not named.
        unknown_area: smaller unknown places are not worth mentioning, as a share of the photo.

    Returns:
        Named places, the surest first, then unknown ones, the largest first.
    """
    named: list[Finding] = []
    for thing in _by_best(scores):
        places = [place for place in np.argsort(-scores[:, thing]).tolist() if scores[place, thing] >= least]
        free = [place for place in places if _free(boxes, place, named)]
        parts = [place for place in free if boxes[place] != WHOLE]
        if chosen := (parts or free)[:1]:
            best = float(max(scores[place, thing] for place in free))
            named.append(Finding(region=chosen[0], known=thing, score=best))
    named.sort(key=lambda finding: -finding.score)
    return named + _unknown(boxes, scores, named, unknown_area)


def _by_best(scores: FloatArray) -> list[int]:
    return np.argsort(-scores.max(axis=0)).tolist() if scores.size else []


def _free(boxes: Sequence[Box], place: int, named: Sequence[Finding]) -> bool:
    """Say whether a place is not the place of another named thing; the whole photo may show several."""
    taken = [boxes[finding.region] for finding in named]
    return boxes[place] == WHOLE or not any(other != WHOLE and _one_place(boxes[place], other) for other in taken)


def _one_place(one: Box, other: Box) -> bool:
    return overlap(one, other) > 0.5 or shared(one, other) > 0.7 * min(area(one), area(other))


def _unknown(boxes: Sequence[Box], scores: FloatArray, named: Sequence[Finding], smallest: float) -> list[Finding]:
    places = [place for place in range(len(boxes)) if boxes[place] != WHOLE and area(boxes[place]) >= smallest]
    taken = [boxes[finding.region] for finding in named]
    unknown: list[Finding] = []
    for place in sorted(places, key=lambda place: -area(boxes[place])):
        if any(_one_place(boxes[place], other) for other in taken):
            continue
        taken.append(boxes[place])
        best = float(scores[place].max()) if scores.shape[1] else 0.0
        unknown.append(Finding(region=place, known=None, score=best))
    return unknown
