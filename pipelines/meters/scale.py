"""From what was measured to a score of 0–1, on a scale whose thirds are the words low, fair and good."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The logistic curve that has a third at `fair` and two thirds at `good`.

    It rises everywhere and reaches neither 0 nor 1, so no two different measurements get the same score.

    Attributes:
        fair: where low ends and fair begins.
        good: where fair ends and good begins.
    """

    fair: float
    good: float

    def __post_init__(self) -> None:
        if not self.fair < self.good:
            raise ValueError(f"fair is {self.fair} and good is {self.good}; fair must be the smaller one.")

    def score(self, measured: float) -> float:
        """Return the score of a measurement, between 0 and 1."""
        middle, steepness = (self.fair + self.good) / 2, 2 * math.log(2) / (self.good - self.fair)
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, steepness * (measured - middle)))))


def calibrate(wrong: FloatArray, *, fair: float, good: float) -> Scale:
    """Choose the words' borders by how often they may be wrong.

    Args:
        wrong: [M] measurements of what is not so.
        fair: share of the wrong ones that may be called fair or better.
        good: share of the wrong ones that may be called good; smaller than `fair`.
    """
    return Scale(fair=float(np.quantile(wrong, 1 - fair)), good=float(np.quantile(wrong, 1 - good)))


def told_apart(right: FloatArray, wrong: FloatArray) -> float:
    """Return how often a right measurement is higher than a wrong one, 0–1 (the area under the ROC curve)."""
    ranks = np.concatenate([right, wrong]).argsort().argsort()
    above = float(ranks[: len(right)].sum()) - len(right) * (len(right) - 1) / 2
    return above / (len(right) * len(wrong))
