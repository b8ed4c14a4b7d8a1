"""From a history of any length to the few pictures that stand for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.features.preprocessing import FloatArray, normalise_rows
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.interests import allocate, find_interests
from pipelines.pigeon.scorer import TasteScorer


def embeddings(features: PictureFeatures, scorer: TasteScorer | None = None, *, settings=None) -> FloatArray:
    """Return what pictures are clustered by, of length 1 [N, A + D]: attributes and looks, each of half the weight."""
    standard = (settings if scorer is None else scorer.settings).standardised(features.attributes)
    return normalise_rows(np.concatenate([normalise_rows(standard), features.looks], axis=1))


def representatives(points: FloatArray, weights: FloatArray, count: int) -> list[int]:
    """Return at most `count` pictures that stand for all, each interest by its share and none left out.

    Args:
        points: of liked pictures, of length 1 [n, E].
        weights: how much each counts [n].
        count: how many, at least 1.
    """
    if len(points) <= count:
        return list(range(len(points)))
    found = find_interests(points, weights)
    chosen: list[int] = []
    for interest, places in enumerate(allocate(count, found.shares)):
        members = np.flatnonzero(found.members == interest)
        near = points[members] @ found.centres[interest] * np.sqrt(weights[members])
        chosen += [int(members[place]) for place in _spread(near, points[members], places)]
    return chosen


def _spread(near: FloatArray, points: FloatArray, count: int) -> Sequence[int]:
    """Return the most typical picture, then those that are typical and unlike what is chosen."""
    chosen: list[int] = []
    for _ in range(min(count, len(near))):
        alike = points @ points[chosen].T if chosen else np.zeros((len(points), 1))
        value = near - 0.5 * alike.max(axis=1)
        value[chosen] = -np.inf
        chosen.append(int(np.argmax(value)))
    return chosen
