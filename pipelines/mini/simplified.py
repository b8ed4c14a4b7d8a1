"""Cut-outs of photos made as simple as drawings: fewer colours, calm areas, an outline without hairs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

EDGE = 320  # pixels at which the areas are made calm; the same whatever the camera


def simplified(cutout: Image.Image, colours: int | None = None, calm: int = 2) -> Image.Image:
    """Return a cut-out as somebody would draw it who leaves out what does not matter.

    Args:
        cutout: RGBA.
        colours: how many may be left; None: all of them.
        calm: how often the median is taken over small areas, from 0; it takes out fur and weave and keeps edges.

    Returns:
        RGBA with its longer edge at `EDGE` pixels.
    """
    scale = EDGE / max(cutout.size)
    size = (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale)))
    image = cutout.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    alpha = smooth_outline(image.getchannel("A"))
    ground = _grown(image)
    for _ in range(calm):
        ground = ground.filter(ImageFilter.MedianFilter(5))
    ground = ground.filter(ImageFilter.UnsharpMask(4, 90, 2))
    ground = ImageEnhance.Color(ground).enhance(1.15)  # drawings are a little more colourful than photos
    if colours is not None:
        seen = np.asarray(ground)[np.asarray(alpha) > 128]
        if len(seen):
            ground = _posterised(ground, seen, colours)
    ground.putalpha(alpha)
    return ground


def smooth_outline(alpha: Image.Image) -> Image.Image:
    """Return an alpha channel whose outline is smooth and firm: no hairs, no haze."""
    soft = alpha.filter(ImageFilter.MedianFilter(9)).filter(ImageFilter.GaussianBlur(2.5))
    values = (np.asarray(soft, np.float32) / 255 - 0.5) * 3 + 0.5
    return Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8), "L")


def _grown(image: Image.Image) -> Image.Image:
    """Return the colours of a cut-out, RGB, spread beyond its outline, so that no ground shows at its edge."""
    solid = np.asarray(image.getchannel("A"), np.float32) / 255
    colour = np.asarray(image.convert("RGB"), np.float32)
    weight = np.where(solid > 0.85, solid, 0)
    total, weights = colour * weight[..., None], weight
    result = np.where(weight[..., None] > 0, colour, 0)
    for radius in (3, 8, 20, 60):
        blurred = [_blur(total[..., channel], radius) for channel in range(3)]
        around = np.maximum(_blur(weights, radius), 1e-4)
        spread = np.stack(blurred, axis=2) / around[..., None]
        missing = (result.sum(axis=2) == 0) & (around > 0.02)
        result[missing] = spread[missing]
    return Image.fromarray(result.clip(0, 255).astype(np.uint8), "RGB")


def _blur(values: np.ndarray, radius: int) -> np.ndarray:
    """Return the means of values [H, W] over areas of about `radius`."""
    image = Image.fromarray(values.astype(np.float32), "F")
    small = image.resize((max(1, image.width // radius), max(1, image.height // radius)), Image.Resampling.BOX)
    blurred: np.ndarray = np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))
    return blurred


def _posterised(ground: Image.Image, seen: np.ndarray, colours: int) -> Image.Image:
    """Give every pixel the nearest of the main colours of what is seen."""
    strip = Image.fromarray(seen[None].astype(np.uint8), "RGB")
    palette = strip.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=3)
    flat = ground.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")
    return flat.filter(ImageFilter.ModeFilter(5)).filter(ImageFilter.GaussianBlur(0.8))
