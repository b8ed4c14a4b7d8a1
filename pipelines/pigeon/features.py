"""What taste is learned from: the named attributes of a picture and what a frozen encoder sees in it.

Shape legend: N pictures, A attributes, D width of a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import ImageEncoder
from pipelines.features.preprocessing import FloatArray, normalise_rows
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES, measure_all

_KEPT_AS = np.float16  # attributes move by less than 0.001, cosines of looks too


@dataclass(frozen=True, eq=False)
class PictureFeatures:
    """Features of N pictures.

    Attributes:
        attributes: as measured, float32 [N, A].
        looks: of length 1, float32 [N, D].
    """

    attributes: FloatArray
    looks: FloatArray

    def __len__(self) -> int:
        return len(self.attributes)

    def __getitem__(self, rows) -> PictureFeatures:
        """Return the features of some pictures, chosen by anything that indexes an array and keeps two dimensions."""
        return PictureFeatures(self.attributes[rows], self.looks[rows])

    def to_bytes(self) -> tuple[bytes, ...]:
        """Return every picture's features by themselves, in half precision."""
        rows = np.concatenate([self.attributes, self.looks], axis=1).astype(_KEPT_AS)
        return tuple(row.tobytes() for row in rows)

    @classmethod
    def from_bytes(cls, kept: Sequence[bytes], width: int) -> Self:
        """Read what `to_bytes` gave.

        Args:
            kept: one entry for each picture.
            width: D.

        Raises:
            ValueError: an entry that is not of this width and these attributes.
        """
        count = len(ATTRIBUTE_NAMES)
        wrong = [len(data) for data in kept if len(data) != (count + width) * 2]
        if wrong:
            raise ValueError(f"Features of {wrong[0]} bytes are not {count} attributes and {width} numbers of a look.")
        rows = np.frombuffer(b"".join(kept), _KEPT_AS).reshape(-1, count + width).astype(np.float32)
        return cls(rows[:, :count].copy(), normalise_rows(rows[:, count:]))

    @classmethod
    def joined(cls, parts: Sequence[PictureFeatures]) -> Self:
        """Put features one behind the other."""
        return cls(np.concatenate([one.attributes for one in parts]), np.concatenate([one.looks for one in parts]))


class FeatureExtractor:
    """Measures and encodes pictures; the encoder is TinyViT unless another one is given.

    Args:
        encoder: frozen; see `pipelines.features.image_encoders`.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        self.encoder = encoder

    @property
    def width(self) -> int:
        """D, the width of a look."""
        return self.encoder.dim

    def __call__(self, images: Sequence[Image.Image]) -> PictureFeatures:
        """Return the features of pictures, RGB or RGBA of any size."""
        return PictureFeatures(measure_all(images), self.encoder.embed(images))
