"""How well texts and pictures find each other.

Shape legend: N pictures, D joint space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray


@dataclass(frozen=True, kw_only=True)
class Recall:
    """R@1 among a number of names.

    Attributes:
        image_to_text: share of pictures whose own name scores highest.
        text_to_image: share of names whose best picture, one being drawn for each name, is their own.
        names: how many names there were to choose from.
        trials: how many pictures were tried.
    """

    image_to_text: float
    text_to_image: float
    names: int
    trials: int


def recall_at_one(
    image_embeddings: FloatArray,
    concepts: Sequence[str],
    name_embeddings: dict[str, FloatArray],
    *,
    tried: Sequence[str],
    seed: int,
) -> Recall:
    """Measure R@1 of some concepts among more.

    Args:
        image_embeddings: [N, D], rows of length 1.
        concepts: N concepts, keys of `name_embeddings`; pictures of those not tried are the wrong answers.
        name_embeddings: concept to its name's embedding [D].
        tried: the concepts to measure; each has a picture.
        seed: of the 20 galleries that text-to-image is averaged over; a gallery holds one picture of each concept.
    """
    keys = sorted(name_embeddings)
    column = {key: number for number, key in enumerate(keys)}
    own = np.array([column[concept] for concept in concepts])
    scores = image_embeddings @ np.stack([name_embeddings[key] for key in keys]).T
    wanted = np.array(sorted(column[concept] for concept in set(tried)))
    trials = np.isin(own, wanted)
    rng = np.random.default_rng(seed)
    present = np.unique(own)
    places = np.searchsorted(present, wanted)
    hits: list[float] = []
    for _ in range(20):
        gallery = np.array([rng.choice(np.flatnonzero(own == number)) for number in present])
        hits.append(float((scores[np.ix_(gallery, wanted)].argmax(axis=0) == places).mean()))
    return Recall(
        image_to_text=float((scores[trials].argmax(axis=1) == own[trials]).mean()),
        text_to_image=float(np.mean(hits)),
        names=len(keys),
        trials=int(trials.sum()),
    )
