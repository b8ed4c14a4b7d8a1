"""Drawings as a camera might have seen the thing they show: lit, textured, a little soft, with a ragged outline."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def photographed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a drawing [S, S, 4] in the same place, its surface and outline as in a cut-out photo.

    Args:
        picture: straight-alpha uint8.
        rng: draws light, texture, softness and the tear of the outline.
    """
    size = picture.shape[0]
    soft = Image.fromarray(picture).convert("RGBa").filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.3))))
    image = soft.convert("RGBA")
    colour = image.convert("RGB")
    for enhance, reach in ((ImageEnhance.Brightness, 0.15), (ImageEnhance.Contrast, 0.2), (ImageEnhance.Color, 0.25)):
        colour = enhance(colour).enhance(float(rng.uniform(1 - reach, 1 + reach)))
    values: np.ndarray = np.asarray(colour, np.float32)
    values = values * (1 + rng.uniform(0, 0.35) * _light(size, rng)[..., None])
    values = values * (1 + rng.uniform(0, 0.16) * _texture(size, rng)[..., None]) + rng.normal(0, 3, values.shape)
    alpha = np.asarray(image.getchannel("A"), np.float32) / 255
    alpha = np.clip(alpha + rng.uniform(0, 0.5) * _texture(size, rng) * 4 * alpha * (1 - alpha), 0, 1)
    return np.concatenate([values.clip(0, 255), 255 * alpha[..., None]], axis=2).round().astype(np.uint8)


def _light(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a ramp in −√2…√2 across the picture: light from one side."""
    angle, axis = rng.uniform(0, 2 * np.pi), np.linspace(-1, 1, size)
    ramp: np.ndarray = axis[None, :] * np.cos(angle) + axis[:, None] * np.sin(angle)
    return ramp


def _texture(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise of mean 0 and variance 1 at two scales, as fur or cloth has."""
    layers = []
    for cells in (max(4, size // 3), max(2, size // 10)):
        coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32), "F")
        layers.append(np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)))
    noise = np.sum(layers, axis=0)
    result: np.ndarray = (noise - noise.mean()) / (noise.std() + 1e-6)
    return result
