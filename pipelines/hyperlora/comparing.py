"""How much pictures look like their subject, before and after something was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipelines.features.image_encoders import ImageEncoder

COLOUR_SLACK = 1.0  # CIELAB distance by which colours may move away while the likeness grows


@dataclass(frozen=True, eq=False, kw_only=True)
class Likeness:
    """Of some pictures to one subject.

    Attributes:
        cosines: between the features of each picture and the mean feature of the references, float32 [N].
        colours: distance of mean colours in CIELAB, [N]; 0 is equal, 100 black to white.
    """

    cosines: NDArray[np.float32]
    colours: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What a change has brought, over pictures of the same seeds.

    Attributes:
        before: mean cosine.
        after: mean cosine.
        error: standard error of their difference.
        colour_before: mean colour distance.
        colour_after: mean colour distance.
    """

    before: float
    after: float
    error: float
    colour_before: float
    colour_after: float

    @property
    def helps(self) -> bool:
        """Whether the likeness has grown by more than chance would let it, and the colours have not suffered."""
        return self.after - self.before > self.error and self.colour_after - self.colour_before < COLOUR_SLACK


def likeness(pictures: Sequence[Image.Image], references: Sequence[Image.Image], encoder: ImageEncoder) -> Likeness:
    """Compare pictures with references, all of them RGBA.

    Args:
        pictures: N of them.
        references: cut-outs of the subject.
        encoder: whose features nothing was trained with.
    """
    wanted = encoder.embed(references).mean(axis=0)
    seen = encoder.embed(pictures)
    cosines = seen @ wanted / (np.linalg.norm(seen, axis=1) * np.linalg.norm(wanted))
    colour = np.mean([mean_colour(reference) for reference in references], axis=0)
    distances = np.linalg.norm(np.stack([mean_colour(picture) for picture in pictures]) - colour, axis=1)
    return Likeness(cosines=cosines, colours=distances)


def gain(before: Likeness, after: Likeness) -> Gain:
    """Return what has changed between pictures of the same seeds."""
    apart = after.cosines - before.cosines
    return Gain(
        before=float(before.cosines.mean()),
        after=float(after.cosines.mean()),
        error=float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else float("inf"),
        colour_before=float(before.colours.mean()),
        colour_after=float(after.colours.mean()),
    )


def mean_colour(picture: Image.Image) -> NDArray[np.float64]:
    """Return the mean CIELAB colour [3] of what is opaque; mid-grey where nothing is."""
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    converted = ImageCms.applyTransform(picture.convert("RGB"), to_lab)
    assert converted is not None
    lab = np.asarray(converted).astype(np.float64)
    lab[..., 0] *= 100 / 255
    lab[..., 1:] = np.asarray(converted)[..., 1:].astype(np.int8)
    weights = np.asarray(picture.convert("RGBA"), np.float64)[..., 3]
    if weights.sum() < 1:
        return np.array([50.0, 0.0, 0.0])
    mean: NDArray[np.float64] = (lab * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
    return mean
