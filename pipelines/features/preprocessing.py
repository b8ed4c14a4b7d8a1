"""From a PIL picture to the pixels an encoder expects.

Shape legend: H, W picture size; S edge of the encoder's square input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatArray = NDArray[np.float32]

# Transparent pictures are laid on mid-grey. White would swallow white subjects and black would swallow outlines; grey
# contrasts with both, and it is about the mean that every encoder here subtracts, so the ground adds little of its own.
NEUTRAL_GROUND: tuple[int, int, int] = (124, 116, 104)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def on_ground(image: Image.Image, ground: tuple[int, int, int] = NEUTRAL_GROUND) -> Image.Image:
    """Lay a picture of any mode on a plain ground; opaque pictures only change their mode.

    Returns:
        The picture in RGB, same size.
    """
    if not has_alpha(image):
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    flat = Image.new("RGBA", rgba.size, (*ground, 255))
    flat.alpha_composite(rgba)
    return flat.convert("RGB")


def has_alpha(image: Image.Image) -> bool:
    """Say whether a picture carries transparency."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info


def letterbox(image: Image.Image, edge: int, ground: tuple[int, int, int] = NEUTRAL_GROUND) -> Image.Image:
    """Fit the whole RGB picture into an edge × edge square, the rest filled with the ground.

    A centre crop, which these encoders were trained with, would cut off a subject that stands at the side.
    """
    width, height = image.size
    scale = edge / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = image.resize(size, Image.Resampling.BICUBIC)
    if size == (edge, edge):
        return fitted
    square = Image.new(image.mode, (edge, edge), ground if image.mode == "RGB" else 0)
    square.paste(fitted, ((edge - size[0]) // 2, (edge - size[1]) // 2))
    return square


def to_pixels(
    image: Image.Image, edge: int, *, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> FloatArray:
    """Turn a picture into normalised pixels.

    Args:
        image: any mode and size; transparency is laid on `NEUTRAL_GROUND`.
        edge: S, in pixels.
        mean: per channel, of values in 0–1.
        std: per channel, of values in 0–1.

    Returns:
        float32 [3, S, S], channels first.
    """
    square = letterbox(on_ground(image), edge)
    values = np.asarray(square, dtype=np.float32) / 255.0
    normalised = (values - np.asarray(mean, dtype=np.float32)) / np.asarray(std, dtype=np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def alpha_grid(image: Image.Image, edge: int, cells: int) -> FloatArray:
    """Share of every cell of the letterboxed picture that the subject covers.

    Args:
        image: any mode; an opaque picture covers itself wholly.
        edge: S, the encoder's input edge in pixels.
        cells: cells along one side; must divide `edge`.

    Returns:
        float32 [cells, cells] in 0–1; zero where only padding is.
    """
    mask = image.convert("RGBA").getchannel("A") if has_alpha(image) else Image.new("L", image.size, 255)
    square = np.asarray(letterbox(mask, edge), dtype=np.float32) / 255.0
    cell = edge // cells
    shares: FloatArray = square.reshape(cells, cell, cells, cell).mean(axis=(1, 3), dtype=np.float32)
    return shares


def normalise_rows(vectors: NDArray[np.floating]) -> FloatArray:
    """Divide each row by its Euclidean length; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
