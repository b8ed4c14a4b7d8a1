"""Named visual attributes: each one a documented number measured on the pixels, nothing learned.

A picture is measured at 96 pixels on its longer side, over its opaque part where it has transparency. Colours are
CIELAB (D65): L* 0–100, chroma C* 0–130, hue in degrees. Shape legend: H, W picture size; A attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.features.preprocessing import FloatArray, has_alpha, on_ground
from pipelines.lab import to_lab
from pipelines.pigeon.named_colours import COLOUR_NAMES, colour_shares

EDGE = 96  # pixels; texture and outlines are measured at this size, so it is part of their definition
_FLAT, _STEEP = 0.25, 6.0  # gradients of L* a pixel below and above which there is no shading, but none or an edge
_LINE = 14.0  # L* by which a line is darker than what lies on both sides of it


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A named number.

    Attributes:
        name: the key of it.
        low: what a picture with a small value is called.
        high: what a picture with a large value is called.
        measured: how it is measured, in a sentence.
        measure: from a measured picture to the value.
    """

    name: str
    low: str
    high: str
    measured: str
    measure: Callable[[MeasuredPicture], float]


class MeasuredPicture:
    """A picture made ready for measuring.

    Attributes:
        lab: [H, W, 3].
        alpha: coverage, 0–1 [H, W]; 1 everywhere in an opaque picture.
        seen: bool [H, W], what is at least half opaque; everywhere in a picture that has nothing opaque.
    """

    def __init__(self, image: Image.Image) -> None:
        small = image.convert("RGBA") if has_alpha(image) else image.convert("RGB")
        small.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
        transparent = small.mode == "RGBA"
        covered = np.asarray(small.getchannel("A")) if transparent else np.full(small.size[::-1], 255)
        self.alpha: FloatArray = np.asarray(covered / 255, np.float32)
        self.seen: NDArray[np.bool_] = self.alpha >= 0.5
        if not self.seen.any():
            self.seen = np.ones_like(self.seen)
        laid = on_ground(small, (255, 255, 255))
        self.rgb: NDArray[np.uint8] = np.asarray(laid)
        self.hsv: FloatArray = np.asarray(np.asarray(laid.convert("HSV")) / 255, np.float32)
        self.lab: FloatArray = to_lab(self.rgb).astype(np.float32)

    @cached_property
    def lightness(self) -> FloatArray:
        """L* of every pixel, 0–100 [H, W]."""
        return self.lab[..., 0]

    @cached_property
    def chroma(self) -> FloatArray:
        """C* of every pixel [H, W]."""
        return np.hypot(self.lab[..., 1], self.lab[..., 2]).astype(np.float32)

    @cached_property
    def hue(self) -> FloatArray:
        """Hue angle of every pixel in degrees [H, W]."""
        return (np.degrees(np.arctan2(self.lab[..., 2], self.lab[..., 1])) % 360).astype(np.float32)

    @cached_property
    def shares(self) -> FloatArray:
        """Share of each of the twelve named colours, summing to 1 [12]."""
        return colour_shares(self.rgb[self.seen])

    @cached_property
    def slopes(self) -> tuple[FloatArray, FloatArray]:
        """Vertical and horizontal gradient of L* a pixel, each [H, W]."""
        if min(self.lightness.shape) < 2:
            return np.zeros_like(self.lightness), np.zeros_like(self.lightness)
        down, right = (np.asarray(slope, np.float32) for slope in np.gradient(self.lightness))
        return down, right

    @cached_property
    def steepness(self) -> FloatArray:
        """Length of the gradient of L* [H, W]."""
        return np.hypot(*self.slopes).astype(np.float32)

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """What is seen and not within two pixels of the silhouette [H, W]: its border is no edge of the drawing."""
        return _shrunk(self.seen, 5) if _shrunk(self.seen, 5).any() else self.seen

    @cached_property
    def rim(self) -> NDArray[np.bool_]:
        """The outermost four pixels of the silhouette [H, W]; nothing in an opaque picture."""
        return self.seen & ~_shrunk(self.seen, 9) if not self.seen.all() else np.zeros_like(self.seen)

    def mean(self, values: NDArray, where: NDArray[np.bool_] | None = None) -> float:
        """Return the mean of values [H, W] over what is seen."""
        chosen = values[self.seen if where is None else where]
        return float(chosen.mean()) if chosen.size else 0.0


def _filtered(values: FloatArray, extreme: np.ufunc, size: int) -> FloatArray:
    """Return the maximum or minimum over a square window [H, W]: of the rows, then of the columns, the fast way."""
    # in 8 bits, which is four times as fast; a step of 0.4 L* is far below what is asked for
    result = np.clip(values * 2.55, 0, 255).astype(np.uint8)
    for axis in (0, 1):
        around = [(size // 2, size // 2) if axis == one else (0, 0) for one in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(result, around, "edge"), size, axis)
        result = extreme.reduce(windows, axis=-1)
    return result.astype(np.float32) / 2.55


def _shrunk(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    framed = Image.new("L", (picture.width + 2 * size, picture.height + 2 * size), 255 if mask.all() else 0)
    framed.paste(picture, (size, size))
    shrunk = framed.filter(ImageFilter.MinFilter(size))
    return np.asarray(shrunk.crop((size, size, size + picture.width, size + picture.height))) > 127


def _warmth(picture: MeasuredPicture) -> float:
    towards = np.cos(np.radians(picture.hue - 60)) * picture.chroma
    return float(towards[picture.seen].sum() / max(1e-6, (picture.chroma[picture.seen] + 4.0).sum()))


def _colourfulness(picture: MeasuredPicture) -> float:
    weight = picture.chroma[picture.seen]
    counts = np.bincount((picture.hue[picture.seen] // 30).astype(int) % 12, weights=weight, minlength=12)
    coloured = min(1.0, float(weight.mean()) / 12)
    return _entropy(counts) / np.log(12) * coloured


def _entropy(counts: NDArray) -> float:
    shares = counts / max(1e-9, counts.sum())
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def _pastel(picture: MeasuredPicture) -> float:
    return picture.mean((picture.lightness > 70) & (picture.chroma > 8) & (picture.chroma < 50))


def _outline(picture: MeasuredPicture) -> float:
    light = picture.lightness
    closed = _filtered(_filtered(light, np.maximum, 7), np.minimum, 7)
    lines = ((closed - light) > _LINE) & (light < 45)
    dark_rim = picture.mean(light < 35, picture.rim) if picture.rim.any() else 0.0
    return 0.5 * min(1.0, picture.mean(lines, picture.inner) * 4) + 0.5 * dark_rim


def _shading(picture: MeasuredPicture) -> float:
    steep = picture.steepness[picture.inner]
    soft, flat = float(((steep > _FLAT) & (steep < _STEEP)).sum()), float((steep <= _FLAT).sum())
    return soft / max(1.0, soft + flat)


def _gloss(picture: MeasuredPicture) -> float:
    light = picture.lightness
    opened = _filtered(_filtered(light, np.minimum, 11), np.maximum, 11)
    return min(1.0, picture.mean(((light - opened) > 10) & (light > 75)) * 5)


def _texture(picture: MeasuredPicture) -> float:
    light = picture.lightness
    if min(light.shape) < 3:
        return 0.0
    around = (light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:]) / 4
    rough = np.abs(light[1:-1, 1:-1] - around)
    calm = (picture.inner & (picture.steepness < 12))[1:-1, 1:-1]
    return float(np.clip(rough[calm].mean() / 3, 0, 1)) if calm.any() else 0.0


def _angular(picture: MeasuredPicture) -> float:
    down, right = picture.slopes
    weight = np.where(picture.inner & (picture.steepness > _STEEP), picture.steepness, 0)
    angle = np.degrees(np.arctan2(down, right)) % 90
    straight = np.minimum(angle, 90 - angle) < 9
    return float(weight[straight].sum() / max(1e-6, weight.sum())) if weight.any() else 0.2


def _centred(picture: MeasuredPicture) -> float:
    weight = picture.alpha if not picture.seen.all() else picture.steepness + 1e-6
    height, width = weight.shape
    rows, columns = np.mgrid[0:height, 0:width]
    total = max(1e-9, float(weight.sum()))
    off = np.hypot(
        (rows * weight).sum() / total / max(1, height - 1) - 0.5,
        (columns * weight).sum() / total / max(1, width - 1) - 0.5,
    )
    return float(np.clip(1 - 4 * off, 0, 1))


def _symmetric(picture: MeasuredPicture) -> float:
    shown = np.where(picture.seen, picture.lightness, 120.0)
    mirrored = shown[:, ::-1]
    spread = float(shown.std())
    return float(np.clip(1 - np.abs(shown - mirrored).mean() / max(1.0, 1.2 * spread), 0, 1))


def _lively(picture: MeasuredPicture) -> float:
    return float(0.60 * picture.mean(picture.hsv[..., 1]) - 0.31 * picture.mean(picture.hsv[..., 2]))


def _attribute(name: str, low: str, high: str, measured: str, measure: Callable[[MeasuredPicture], float]) -> Attribute:
    return Attribute(name=name, low=low, high=high, measured=measured, measure=measure)


def _colour(name: str, place: int) -> Attribute:
    return _attribute(
        name, f"no {name}", name, f"Share of the pixels that are called {name}.", lambda one: float(one.shares[place])
    )


ATTRIBUTES: tuple[Attribute, ...] = (
    _attribute("warmth", "cool colours", "warm colours", "Mean of cos(hue − 60°) by chroma; −1 to 1.", _warmth),
    _attribute(
        "saturation", "muted colours", "strong colours", "Mean chroma C* in CIELAB, a hundredth.",
        lambda one: one.mean(one.chroma) / 100,
    ),
    _attribute("brightness", "dark", "bright", "Mean L*, a hundredth.", lambda one: one.mean(one.lightness) / 100),
    _attribute(
        "contrast", "soft contrast", "strong contrast", "Standard deviation of L*, a fiftieth.",
        lambda one: float(one.lightness[one.seen].std()) / 50,
    ),
    _attribute("colourfulness", "few colours", "many colours", "Entropy of the hues by chroma, 0–1.", _colourfulness),
    _attribute("pastel", "no pastels", "pastels", "Share of pixels with L* > 70 and C* between 8 and 50.", _pastel),
    _attribute("outline", "no outlines", "dark outlines", "Share of dark lines inside and at the rim, 0–1.", _outline),
    _attribute(
        "shading", "flat areas", "soft shading", "Share of gentle gradients of L* off edges.", _shading
    ),
    _attribute("gloss", "matt", "glossy", "Share of small bright highlights, times five, 0–1.", _gloss),
    _attribute("texture", "smooth", "textured", "Mean deviation of L* from its neighbours off edges.", _texture),
    _attribute(
        "busyness", "simple", "busy", "Share of pixels on an edge of L*.",
        lambda one: one.mean(one.steepness > _STEEP, one.inner),
    ),
    _attribute("angularity", "round shapes", "straight shapes", "Share of edges that run level or upright.", _angular),
    _attribute(
        "fill", "small in the frame", "fills the frame", "Share of the frame that is opaque.",
        lambda one: float(one.alpha.mean()),
    ),
    _attribute("centring", "off-centre", "centred", "1 less four times the way to the middle.", _centred),
    _attribute("symmetry", "asymmetric", "symmetric", "1 less the mean difference to its mirror image.", _symmetric),
    _attribute(
        "mood", "calm", "lively", "Arousal: 0.60 × saturation − 0.31 × brightness (Valdez and Mehrabian 1994).", _lively
    ),
    *(_colour(name, place) for place, name in enumerate(COLOUR_NAMES)),
)  # fmt: skip
ATTRIBUTE_NAMES: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES)


def measure(image: Image.Image) -> FloatArray:
    """Measure every attribute of a picture of any mode and size.

    Returns:
        float32 [A], in the order of `ATTRIBUTES`.
    """
    picture = MeasuredPicture(image)
    return np.array([attribute.measure(picture) for attribute in ATTRIBUTES], np.float32)


def measure_all(images: Sequence[Image.Image]) -> FloatArray:
    """Measure pictures, float32 [N, A]."""
    return np.stack([measure(image) for image in images]) if images else np.zeros((0, len(ATTRIBUTES)), np.float32)
