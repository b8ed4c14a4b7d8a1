"""How much of one picture's colours another has.

Shape legend: B = 216 bins, a 6 × 6 × 6 grid over sRGB.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray

_LEVELS = 6
_EDGE = 64
# How far apart two colours may be and still count as much the same, in CIELAB: light and shade within one coat.
_REACH = 20.0
# A subject rarely fills the picture: where it covers a sixth of what is opaque, all of its colours are still found.
_ROOM = 6.0


def histogram(picture: Image.Image) -> FloatArray:
    """Return the share of each colour in the opaque part of a picture, [B] summing to 1; zeros where none is opaque."""
    small = picture.convert("RGBa").resize((_EDGE, _EDGE), Image.Resampling.BOX).convert("RGBA")
    values = np.asarray(small)
    levels = values[..., :3].astype(np.int64) * _LEVELS // 256
    bins = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    counts = np.bincount(bins.ravel(), weights=values[..., 3].ravel() / 255.0, minlength=_LEVELS**3)
    shares: FloatArray = (counts / max(float(counts.sum()), 1e-9)).astype(np.float32)
    return shares


def covered(colours: FloatArray, seen: FloatArray) -> float:
    """Say how much of a subject's colours a picture has; what else the picture has costs nothing.

    Args:
        colours: [B], histogram of the subject.
        seen: [B], histogram of the picture.

    Returns:
        0 (none of them) to 1.
    """
    wanted, found = _NEARNESS @ colours, _NEARNESS @ seen
    return float((colours * np.minimum(1.0, _ROOM * found / np.maximum(wanted, 1e-9))).sum())


def _lab(colours: FloatArray) -> FloatArray:
    """Return CIELAB (1976, D65) of sRGB colours [N, 3] in 0–1."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = linear @ matrix.T / np.array([0.9505, 1.0, 1.089])
    bent = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    x, y, z = bent.T
    lab: FloatArray = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
    return lab


def _nearness() -> FloatArray:
    """Return how alike each two bins are, [B, B] in 0–1."""
    middles = (np.stack(np.meshgrid(*[np.arange(_LEVELS)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5) / _LEVELS
    lab = _lab(middles.astype(np.float32))
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    near: FloatArray = np.exp(-((distances / _REACH) ** 2)).astype(np.float32)
    return near


_NEARNESS = _nearness()
