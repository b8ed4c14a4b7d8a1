"""What a place in a photo looks like, as one vector whose cosine says how alike two places are.

Shape legend: N places, D = 1088.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.features.preprocessing import FloatArray, normalise_rows
from pipelines.recognition.regions import Box, in_pixels, with_margin

# A little of the surroundings helps both encoders: on photos of 20 subjects, this crop is better than the cut-out
# alone and than the whole photo (see tests/bench/bench_recognition.py).
MARGIN = 0.1


class LookEncoder:
    """TinyViT's feature and CLIP's class token side by side, each of length 1: their cosines count half each."""

    dim = TinyVitEncoder.dim + ClipVisionEncoder.token_dim

    def __init__(self, tinyvit: TinyVitEncoder, clip: ClipVisionEncoder) -> None:
        self._tinyvit = tinyvit
        self._clip = clip

    def embed(self, pictures: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures that show little more than one thing.

        Returns:
            float32 [N, D], rows of length 1.
        """
        if not pictures:
            return np.zeros((0, self.dim), np.float32)
        classes = normalise_rows(self._clip.tokens(pictures)[:, 0])
        return normalise_rows(np.concatenate([self._tinyvit.embed(pictures), classes], axis=1))


def crop(photo: Image.Image, box: Box, margin: float = MARGIN) -> Image.Image:
    """Return what is in a box of `photo` and a little around it."""
    return photo.crop(in_pixels(with_margin(box, photo.size, margin), photo.size))
