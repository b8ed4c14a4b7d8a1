"""What every text-image model offers, and how one is chosen.

Shape legend: N pictures, M texts, D width of the joint space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PIL import Image

from pipelines.features.preprocessing import FloatArray


class TextImageModel(Protocol):
    """Pictures and texts in one space, where near means that the text is true of the picture."""

    def embed_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures, RGB or RGBA of any size, to float32 [N, D] with rows of length 1."""

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts to float32 [M, D] with rows of length 1."""

    def similarity(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        """Score every pair: float32 [N, M], logits at the model's own learned temperature."""
