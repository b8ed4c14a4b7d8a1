"""Colours that go with a picture, and whether text can be read on them.

Colours are mixed in OKLCH (Björn Ottosson, 2020): lightness 0–1, chroma 0–0.37, hue in radians. Contrast is WCAG 2's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = tuple[float, float, float]  # sRGB, 0–1
DARK: Rgb = (0.141, 0.122, 0.106)
LIGHT: Rgb = (1.0, 0.996, 0.984)
_GREY = 0.03  # chroma below which a picture has no colour of its own
_WARM = 1.2  # hue for a grey one
_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours for a poster: around the picture's opposite hue, with the picture's own as the accent."""

    paper: Rgb
    tint: Rgb
    middle: Rgb
    strong: Rgb
    deep: Rgb
    night: Rgb
    accent: Rgb
    party: tuple[Rgb, ...]


def palette_of(picture: Image.Image) -> Palette:
    """Return the colours that set a picture off; only what is opaque in it counts."""
    own, coloured = _hue(picture)
    far = _not_olive(own + math.pi * (0.92 if coloured else 0))
    much = 1.0 if coloured else 0.5
    return Palette(
        paper=oklch(0.97, 0.012 * much, far),
        tint=oklch(0.925, 0.035 * much, far),
        middle=oklch(0.82, 0.085 * much, far),
        strong=oklch(0.66 + 0.12 * max(0.0, math.cos(far - 1.4)), 0.13 * much, far),
        deep=oklch(0.34, 0.075 * much, far),
        night=oklch(0.17, 0.035 * much, far),
        accent=oklch(0.56, 0.17, own if coloured else _WARM),
        party=tuple(_bright(own + turn) for turn in (0, 1.3, 2.6, 4.2)),
    )


def _bright(hue: float) -> Rgb:
    """Return a lively colour; yellows are lighter than others, or they would be brown."""
    clean = _not_olive(hue)
    return oklch(0.69 + 0.13 * max(0.0, math.cos(clean - 1.5)), 0.15, clean)


def _not_olive(hue: float) -> float:
    """Return `hue`, or gold or green where it lies between them: dark yellows look dirty in print."""
    turned = hue % math.tau
    low, high = math.radians(78), math.radians(145)
    if not low < turned < high:
        return hue
    return low if turned < math.radians(115) else high


def oklch(lightness: float, chroma: float, hue: float) -> Rgb:
    """Return a colour as sRGB; chroma is lowered until there is such a colour."""
    while True:
        lab = np.array([lightness, chroma * math.cos(hue), chroma * math.sin(hue)])
        linear = np.linalg.inv(_TO_LMS) @ (np.linalg.inv(_TO_LAB) @ lab) ** 3
        if chroma < 0.002 or (linear.min() >= -1e-4 and linear.max() <= 1 + 1e-4):
            red, green, blue = (_encoded(float(part)) for part in np.clip(linear, 0, 1))
            return red, green, blue
        chroma *= 0.94


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Return `one` with `share` of `other`, 0–1."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio, 1–21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def contrast_over(ink: Rgb, ground: NDArray[np.uint8]) -> float:
    """Return the contrast of `ink` with the least favourable tenth of a ground, RGB [height, width, 3]."""
    linear = _decoded(ground.reshape(-1, 3).astype(np.float64) / 255)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    own = _luminance(ink)
    ratios = (np.maximum(luminance, own) + 0.05) / (np.minimum(luminance, own) + 0.05)
    return float(np.quantile(ratios, 0.1))


def _hue(picture: Image.Image) -> tuple[float, bool]:
    """Return the hue of most of the picture's colour, and whether there is any."""
    small = picture.convert("RGBA")
    small.thumbnail((96, 96))
    pixels = np.asarray(small, dtype=np.float64).reshape(-1, 4)
    seen = pixels[pixels[:, 3] > 128][:, :3] / 255
    if not len(seen):
        return _WARM, False
    lab = np.cbrt(_decoded(seen) @ _TO_LMS.T) @ _TO_LAB.T
    chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1])
    if chroma.mean() < _GREY:
        return _WARM, False
    weights, edges = np.histogram(hue, bins=24, range=(-math.pi, math.pi), weights=chroma)
    smooth = weights + 0.5 * (np.roll(weights, 1) + np.roll(weights, -1))
    best = int(smooth.argmax())
    return float((edges[best] + edges[best + 1]) / 2), True


def _luminance(colour: Rgb) -> float:
    red, green, blue = (float(part) for part in _decoded(np.array(colour)))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _decoded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
