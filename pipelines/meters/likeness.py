"""How much a picture looks like a subject: its parts, and its colours.

Shape legend: P patches of a picture (14 × 14 at most), D = 768.

Parts are CLIP's patch tokens: for each patch of the subject's cut-out the most alike one of the picture, wherever the
subject stands in it and whatever stands beside it. The encoder hardly tells colours, so they are measured apart.
On held-out individuals this is better than any of the encoders' whole features, see `configs/meters.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import INPUT_EDGE
from pipelines.features.preprocessing import FloatArray, alpha_grid, has_alpha, normalise_rows
from pipelines.meters.colours import covered, histogram

_CELLS = 14


@dataclass(frozen=True, kw_only=True, eq=False)
class Appearance:
    """What a picture looks like.

    Attributes:
        patches: [P, D], rows of length 1.
        inside: bool [P]: which of them what is opaque covers.
        colours: histogram of what is opaque.
    """

    patches: FloatArray
    inside: np.ndarray
    colours: FloatArray


@dataclass(frozen=True, kw_only=True)
class Part:
    """Mean and standard deviation of one measurement over views of the same individual."""

    mean: float
    deviation: float


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What brings the two measurements to one scale, so that they count alike."""

    shape: Part
    colour: Part

    def joined(self, shape: float, colour: float) -> float:
        """Return both as one number; 0 is the mean of views of the same individual."""
        return (shape - self.shape.mean) / self.shape.deviation + (colour - self.colour.mean) / self.colour.deviation


def appearance(picture: Image.Image, tokens: FloatArray) -> Appearance:
    """Return what a picture looks like.

    Args:
        picture: RGBA or RGB.
        tokens: [197, D] of CLIP's vision tower, the class token first.
    """
    shares = alpha_grid(picture, INPUT_EDGE, _CELLS) if has_alpha(picture) else np.ones((_CELLS, _CELLS), np.float32)
    # Half covered, or half as much as the fullest one where the subject is very thin; all where nothing is opaque.
    inside = shares.ravel() >= 0.5 * shares.max()
    return Appearance(patches=normalise_rows(tokens[1:]), inside=inside, colours=histogram(picture))


def compare(subject: Appearance, picture: Appearance) -> tuple[float, float]:
    """Return how much of the subject's parts and of its colours a picture has: −1–1, and 0–1."""
    alike = subject.patches[subject.inside] @ picture.patches.T
    return float(alike.max(axis=1).mean()), covered(subject.colours, picture.colours)


def likeness(subject: Sequence[Appearance], picture: Appearance, parts: Parts) -> float:
    """Return how much a picture looks like a subject, by the one of its cut-outs that it looks most like."""
    return max(parts.joined(*compare(one, picture)) for one in subject)
