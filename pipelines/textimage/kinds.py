"""Saying what kind of thing a cut-out shows, from a list of everyday kinds.

Shape legend: K kinds, P phrasings, D joint space.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray, normalise_rows
from pipelines.textimage.base import TextImageModel

# Several phrasings, averaged, are a steadier target than one.
PHRASINGS: tuple[str, ...] = ("{}", "a {}", "a sticker of a {}", "a photo of a {}")


def read_kinds(file: Path) -> list[str]:
    """Read a list of kinds, one a line; empty lines and lines that begin with # are comments.

    Raises:
        ValueError: the same kind stands there twice.
    """
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    kinds = [line for line in lines if line and not line.startswith("#")]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    if twice:
        raise ValueError(f"{file} names {', '.join(twice)} more than once; keep one line of each.")
    return kinds


class KindRecogniser:
    """Zero-shot recognition: the kinds whose words lie nearest to the picture."""

    def __init__(self, textimage: TextImageModel, kinds: Sequence[str], *, scale: float | None = None) -> None:
        """Embed the kinds' words.

        Args:
            textimage: any text-image model.
            kinds: at least two class words.
            scale: factor from cosine to logit that makes the scores calibrated; None takes the model's own.

        Raises:
            ValueError: fewer than two kinds.
        """
        if len(kinds) < 2:
            raise ValueError(f"{len(kinds)} kinds were given; at least 2 are needed to tell them apart.")
        self.textimage = textimage
        self.kinds = tuple(kinds)
        self.scale = scale
        phrases = textimage.embed_texts([phrasing.format(kind) for kind in kinds for phrasing in PHRASINGS])
        self._words = normalise_rows(phrases.reshape(len(kinds), len(PHRASINGS), -1).mean(axis=1))

    def recognise(self, cutouts: Sequence[Image.Image], *, top: int = 5) -> list[tuple[tuple[str, float], ...]]:
        """Name the likely kinds of each cut-out.

        Args:
            cutouts: RGBA cut-outs or RGB pictures.
            top: how many kinds to give.

        Returns:
            For each picture the best kinds with scores in 0–1 that sum to at most 1, best first.
        """
        return self.rank(self.textimage.embed_images(cutouts), top=top) if cutouts else []

    def rank(self, image_embeddings: FloatArray, *, top: int = 5) -> list[tuple[tuple[str, float], ...]]:
        """Name the likely kinds of pictures embedded already, [N, D]."""
        scores = self.scores(image_embeddings)
        best = np.argsort(-scores, axis=1)[:, :top]
        return [
            tuple((self.kinds[column], float(row[column])) for column in columns)
            for row, columns in zip(scores, best, strict=True)
        ]

    def scores(self, image_embeddings: FloatArray) -> FloatArray:
        """Give the probability of every kind: [N, D] to [N, K], rows summing to 1."""
        if self.scale is None:
            logits = self.textimage.similarity(image_embeddings, self._words)
        else:
            logits = image_embeddings @ self._words.T * np.float32(self.scale)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: FloatArray = odds / odds.sum(axis=1, keepdims=True)
        return shares


def calibrated_scale(cosines: FloatArray, right: Sequence[int]) -> float:
    """Find the scale at which a softmax over kinds is most likely, given pictures whose kind is known.

    Args:
        cosines: [N, K] of pictures that were not trained on.
        right: N columns, the kind of each picture.

    Returns:
        The best of 60 scales from 1 to 100, evenly spaced in their logarithm.
    """
    columns = np.asarray(right)
    losses = []
    scales = np.geomspace(1.0, 100.0, 60)
    for scale in scales:
        logits = cosines.astype(np.float64) * scale
        peak = logits.max(axis=1, keepdims=True)
        partition = np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0]
        losses.append(float((partition - logits[np.arange(len(columns)), columns]).mean()))
    return float(scales[int(np.argmin(losses))])
