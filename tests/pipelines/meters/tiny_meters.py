"""The real meters over tiny graphs, with a text-image model that knows two colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pipelines.features.preprocessing import FloatArray, normalise_rows, on_ground
from pipelines.meters.calibration import Calibration
from pipelines.meters.encoding import OnceClipVisionEncoder
from pipelines.meters.likeness import Part, Parts
from pipelines.meters.pipeline_meters import MeterPipeline
from pipelines.meters.scale import Scale
from tests.pipelines.features.tiny_onnx import write_clip_vision

CALIBRATION = Calibration(
    parts=Parts(shape=Part(mean=0.9, deviation=0.05), colour=Part(mean=0.9, deviation=0.1)),
    likeness=Scale(fair=-4.0, good=-1.0),
    prompt=Scale(fair=0.6, good=0.9),
    textimage="colours@1",
)
WORDS = {"red": (1.0, 0.0, 0.0), "blue": (0.0, 0.0, 1.0)}


class ColourTextImage:
    """Pictures by their mean colour, texts by the colour they name."""

    def embed_images(self, images: Sequence[Image.Image]) -> FloatArray:
        return normalise_rows(
            np.stack([np.asarray(on_ground(image), np.float32).mean(axis=(0, 1)) for image in images])
        )

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        colours = [next((colour for word, colour in WORDS.items() if word in text), (0, 1, 0)) for text in texts]
        return np.array(colours, np.float32)

    def similarity(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        return image_embeddings @ text_embeddings.T


def ball(colour: str, *, left: int = 20, ground: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Image.Image:
    """A ball on a ground, 96 × 96."""
    picture = Image.new("RGBA", (96, 96), ground)
    ImageDraw.Draw(picture).ellipse((left, 20, left + 56, 76), fill=colour)
    return picture


def encoder(folder: Path) -> OnceClipVisionEncoder:
    return OnceClipVisionEncoder(write_clip_vision(folder / "clip.onnx"))


def tiny_meters(folder: Path, *, version: str = "colours@1") -> MeterPipeline:
    return MeterPipeline(encoder(folder), ColourTextImage, CALIBRATION, version)
