"""Small drawings whose attributes are known, and features that need no encoder."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from pipelines.features.preprocessing import normalise_rows
from pipelines.pigeon.attributes import measure_all
from pipelines.pigeon.features import PictureFeatures


def disc(colour: tuple[int, int, int], *, size: int = 96, outline: bool = False, radius: float = 0.4) -> Image.Image:
    picture = Image.new("RGBA", (size, size))
    edge = size * (0.5 - radius)
    box = (edge, edge, size - edge, size - edge)
    ImageDraw.Draw(picture).ellipse(box, fill=(*colour, 255), outline=(10, 10, 10, 255) if outline else None, width=5)
    return picture


def ball(colour: tuple[int, int, int], size: int = 96) -> Image.Image:
    """A disc that is shaded as a ball."""
    values = np.zeros((size, size, 4), np.uint8)
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    inside = np.hypot(rows, columns) < 0.4
    light = np.clip(1.1 - 1.4 * np.hypot(rows + 0.15, columns + 0.1), 0, 1)[..., None]
    values[..., :3] = np.clip(np.array(colour) * light, 0, 255)
    values[..., 3] = inside * 255
    return Image.fromarray(values, "RGBA")


def features(pictures: list[Image.Image]) -> PictureFeatures:
    """Attributes as they are measured, and mean colours for looks."""
    small = [np.asarray(one.convert("RGBA").resize((4, 4)), np.float32).ravel() - 100 for one in pictures]
    return PictureFeatures(measure_all(pictures), normalise_rows(np.stack(small)))


def reds_and_blues(count: int = 6) -> PictureFeatures:
    """Red discs, then as many blue ones."""
    shades = [(200 + 5 * number, 20 + 4 * number, 30) for number in range(count)]
    shades += [(20, 40 + 4 * number, 200 + 5 * number) for number in range(count)]
    return features([disc(shade, radius=0.3 + 0.02 * (place % count)) for place, shade in enumerate(shades)])
