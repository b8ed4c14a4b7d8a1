"""Cut-outs of photos made as simple as drawings: light enough, fewer colours, calm areas, an outline without hairs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from pipelines.lab import from_lab, to_lab

BRIGHT, MIDDLE = 80.0, 53.0  # lightness that the bright parts of a well exposed subject have at least, and its middle
MOST_LIGHT, BLACK_LIGHT = 1.7, 0.35  # how much lighter at most, and which share of that a thing without colours gets
LEAST_GAMMA = 0.78  # of the curve that lifts the darker half
BLACK, COLOURED = 4.0, 14.0  # chroma in CIELAB: below the one a dark thing is black, above the other it is in the dark
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
    ground = _grown(lit(image))
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


def lit(cutout: Image.Image) -> Image.Image:
    """Return a cut-out as if there had been more light, where it is dark; a light one as it is.

    Lightness and chroma of a pixel grow by one factor, so that hues stay. What is dark and has no colour may well be
    black: it is lifted little, and a black cat stays black.

    Args:
        cutout: RGBA.
    """
    values = np.asarray(cutout)
    seen = values[values[..., 3] > 200][:, :3]
    if not len(seen):
        return cutout
    # A grey as light as the strongest channel: vivid red is dark in CIELAB and yet has all the light it can have.
    light = to_lab(np.repeat(seen.max(axis=1, keepdims=True), 3, axis=1))[:, 0].clip(1)
    chroma = float(np.median(np.linalg.norm(to_lab(seen)[:, 1:], axis=1)))
    share = np.interp(chroma, (BLACK, COLOURED), (BLACK_LIGHT, 1.0))
    gain = 1 + share * (np.clip(BRIGHT / np.percentile(light, 95), 1.0, MOST_LIGHT) - 1)
    middle = min(gain * float(np.median(light)), MIDDLE) / 100
    gamma = 1 - share * (1 - max(np.log(MIDDLE / 100) / np.log(middle), LEAST_GAMMA))
    if gain == gamma == 1:
        return cutout
    lab = to_lab(values[..., :3])
    lightness = (gain * lab[..., :1]).clip(1, 100)
    lab *= gain * (lightness / 100) ** (gamma - 1)
    colours = from_lab(lab).round().astype(np.uint8)
    return Image.fromarray(np.concatenate([colours, values[..., 3:]], axis=2), "RGBA")


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
