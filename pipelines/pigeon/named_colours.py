"""From pixels to the twelve colour names people use, by the nearest in CIELAB."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.features.preprocessing import FloatArray
from pipelines.lab import to_lab
from pipelines.mini.colours import COLOURS

COLOUR_NAMES: tuple[str, ...] = tuple(COLOURS)
# A name stands for more than one point: lighter and darker ones of a hue are still called by it.
_IMPORTANCE = np.array([0.6, 1.0, 1.0], np.float32)  # hue decides a name before lightness does
_BITS, _STEPS = 3, 32
_SHIFTS = (-0.16, 0.0, 0.16)


def colour_shares(rgb: NDArray) -> FloatArray:
    """Return the share of each name of `COLOUR_NAMES` among pixels.

    Args:
        rgb: sRGB, uint8 [P, 3].

    Returns:
        float32 [12], summing to 1; all zero for no pixel.
    """
    if not len(rgb):
        return np.zeros(len(COLOUR_NAMES), np.float32)
    places = (rgb.astype(np.int32) >> _BITS) @ np.array([_STEPS * _STEPS, _STEPS, 1])
    counts = np.bincount(_names()[places], minlength=len(COLOUR_NAMES))
    return (counts / len(rgb)).astype(np.float32)


@lru_cache(maxsize=1)
def _names() -> NDArray[np.int64]:
    """Return the name of every colour, in steps of 8 of 256 for each of red, green and blue [32768]."""
    levels = (np.arange(_STEPS) + 0.5) / _STEPS
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    distances = ((to_lab(255 * grid)[:, None] - _centres()[None]) ** 2 * _IMPORTANCE).sum(axis=2)
    nearest: NDArray[np.int64] = distances.argmin(axis=1) // len(_SHIFTS)
    return nearest


def _centres() -> FloatArray:
    rows = []
    for hue, saturation, lightness in COLOURS.values():
        for shift in _SHIFTS if hue is not None else (0.0,) * len(_SHIFTS):
            shade = min(0.94, max(0.06, lightness + shift))
            rows.append(colorsys.hls_to_rgb((hue or 0) / 360, shade, saturation))
    return to_lab(255 * np.array(rows)).astype(np.float32)
