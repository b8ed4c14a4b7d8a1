"""What the recognition pipeline returns."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.features.preprocessing import FloatArray
from pipelines.recognition.regions import Box


@dataclass(frozen=True, kw_only=True)
class Places:
    """The places of a photo.

    Attributes:
        boxes: R places as shares of width and height, 0–1; the whole photo first.
        looks: float32 [R, 1232], rows of length 1.
    """

    boxes: tuple[Box, ...]
    looks: FloatArray
