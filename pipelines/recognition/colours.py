"""The colours of a subject as a vector beside its look, so that one cosine counts both.

Shape legend: N places, D = 1088 numbers of a look, C = 144 colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray, normalise_rows
from pipelines.lab import to_lab

# Networks that know a dog in any light look away from colours; things of one kind differ by them. At 0.2 all photos of
# the calibration half keep their names; at 0.4 some lose them, as photos by lamplight do.
WEIGHT = 0.2
_BINS = (4, 6, 6)
COLOURS = int(np.prod(_BINS))
_LOWEST, _HIGHEST = np.array([0.0, -60.0, -60.0]), np.array([100.0, 70.0, 80.0])
_EDGE = 56
_SUBJECT = 0.5
_GROUND_COUNTS = 0.001  # so that there are colours where no subject is seen


def colours_of(pictures: Sequence[Image.Image], standing_out: Sequence[FloatArray]) -> FloatArray:
    """Return the square roots of the colour histograms of subjects, so that cosines are Bhattacharyya coefficients.

    Bins lie in CIELAB; a pixel counts for its eight nearest ones, so that a little light moves little.

    Args:
        pictures: N crops, any size.
        standing_out: how much each place of them belongs to the subject, [H, W] in 0–1, any H and W.

    Returns:
        float32 [N, C], rows of length 1.
    """
    rows = [_histogram(picture, mask) for picture, mask in zip(pictures, standing_out, strict=True)]
    return np.stack(rows) if rows else np.zeros((0, COLOURS), np.float32)


def with_colours(looks: FloatArray, colours: FloatArray) -> FloatArray:
    """Return looks [N, D] and colours [N, C] side by side, [N, D + C] of length 1; both in rows of length 1."""
    return normalise_rows(np.concatenate([looks, np.float32(np.sqrt(WEIGHT)) * colours], axis=1))


def _histogram(picture: Image.Image, standing_out: FloatArray) -> FloatArray:
    pixels = np.asarray(picture.convert("RGB").resize((_EDGE, _EDGE), Image.Resampling.BOX)).reshape(-1, 3)
    mask = Image.fromarray(np.ascontiguousarray(standing_out, np.float32)).resize((_EDGE, _EDGE), Image.Resampling.BOX)
    weights = (np.asarray(mask).reshape(-1) > _SUBJECT) + _GROUND_COUNTS
    place = (to_lab(pixels) - _LOWEST) / (_HIGHEST - _LOWEST) * _BINS - 0.5
    lower = np.floor(place).astype(np.int64)
    beyond = place - lower
    counts = np.zeros(COLOURS)
    for corner in product((0, 1), repeat=3):
        bins = np.clip(lower + corner, 0, np.array(_BINS) - 1)
        near = np.where(corner, beyond, 1 - beyond).prod(axis=1)
        counts += np.bincount(np.ravel_multi_index(tuple(bins.T), _BINS), weights * near, COLOURS)
    root: FloatArray = np.sqrt(counts / counts.sum()).astype(np.float32)
    return root
