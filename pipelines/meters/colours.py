"""How much of one picture's colours another has.

Shape legend: B = 216 bins, a 6 × 6 × 6 grid over sRGB.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.lab import to_lab

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


def _nearness() -> FloatArray:
    """Return how alike each two bins are, [B, B] in 0–1."""
    middles = (np.stack(np.meshgrid(*[np.arange(_LEVELS)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5) / _LEVELS
    lab = to_lab(255 * middles)
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    near: FloatArray = np.exp(-((distances / _REACH) ** 2)).astype(np.float32)
    return near


_NEARNESS = _nearness()
