"""Composes scenes layer by layer: subject, accessory, companion, place. The caption says exactly what is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]

# place → (top of the sky, bottom of the sky, ground or None)
PLACES: dict[str, tuple[Rgb, Rgb, Rgb | None]] = {
    "in a meadow": ((150, 210, 250), (220, 242, 255), (120, 190, 90)),
    "at the beach": ((120, 200, 245), (200, 235, 250), (243, 220, 165)),
    "in the snow": ((190, 210, 232), (232, 240, 248), (248, 250, 253)),
    "at night": ((14, 20, 56), (44, 52, 110), (30, 36, 70)),
    "at sunset": ((245, 130, 80), (253, 205, 120), (120, 70, 90)),
    "under water": ((60, 170, 215), (14, 80, 150), (216, 196, 140)),
}
GROUNDS: dict[str, Rgb] = {
    "white": (255, 255, 255),
    "yellow": (253, 216, 80),
    "pink": (250, 190, 205),
    "blue": (120, 180, 240),
    "green": (160, 215, 150),
    "purple": (190, 165, 230),
    "red": (226, 92, 88),
    "black": (28, 28, 32),
}


@dataclass(frozen=True, kw_only=True)
class Layered:
    """A composed picture: RGBA uint8 [S, S, 4] and the subject's own mask uint8 [S, S]."""

    picture: np.ndarray
    mask: np.ndarray


def place_picture(name: str, size: int, rng: np.random.Generator) -> Image.Image:
    """Draw the place `name` of `PLACES`, opaque."""
    top, bottom, ground = PLACES[name]
    ramp = np.linspace(0, 1, size)[:, None]
    sky = (np.array(top) * (1 - ramp) + np.array(bottom) * ramp).astype(np.uint8)
    picture = Image.fromarray(np.repeat(sky[:, None, :], size, axis=1)).convert("RGBA")
    draw = ImageDraw.Draw(picture)
    if name in ("at night", "under water"):
        for _ in range(14):  # stars, or bubbles
            x, y = rng.integers(0, size, 2)
            radius = int(rng.integers(1, 3))
            draw.ellipse((x - radius, y * 0.6 - radius, x + radius, y * 0.6 + radius), fill=(255, 255, 235, 220))
    if ground is not None:
        horizon = size * float(rng.uniform(0.68, 0.8))
        draw.ellipse((-size * 0.5, horizon, size * 1.5, size * 2), fill=(*ground, 255))
    return picture


def ground_picture(name: str, size: int) -> Image.Image:
    """Draw a plain ground of a colour of `GROUNDS`, opaque."""
    return Image.new("RGBA", (size, size), (*GROUNDS[name], 255))


def place_layer(
    canvas: Image.Image, layer: np.ndarray, *, width: float, centre: tuple[float, float], angle: float = 0
) -> np.ndarray:
    """Paste `layer` (RGBA) onto `canvas` in place: cut to its content, `width` and `centre` as shares of the canvas.

    Returns:
        The layer's mask on the canvas, uint8 [S, S].
    """
    size = canvas.width
    picture = Image.fromarray(layer)
    box = picture.getchannel("A").getbbox() or (0, 0, size, size)
    picture = picture.crop(box).convert("RGBa")
    edge = max(2, round(width * size))
    scale = edge / max(picture.size)
    picture = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
    )
    if angle:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    picture = picture.convert("RGBA")
    sheet = Image.new("RGBA", canvas.size)
    sheet.paste(picture, (round(centre[0] * size - picture.width / 2), round(centre[1] * size - picture.height / 2)))
    canvas.alpha_composite(sheet)
    return np.asarray(sheet.getchannel("A"))


def wear(subject: np.ndarray, hat: np.ndarray, size: int, rng: np.random.Generator) -> Layered:
    """Put a hat on the subject's highest point; the whole is fitted into the canvas."""
    canvas = Image.new("RGBA", (size, size))
    scale = float(rng.uniform(0.62, 0.72))
    mask = place_layer(canvas, subject, width=scale, centre=(0.5, 0.97 - scale / 2))
    rows = np.flatnonzero(mask.max(axis=1) > 128)
    top = int(rows[0])
    band = mask[top : top + max(3, size // 14)]
    x = float(np.average(np.arange(size), weights=band.sum(axis=0) + 1e-6)) / size
    width = float(rng.uniform(0.30, 0.36))
    place_layer(canvas, hat, width=width, centre=(x, top / size - width * 0.28), angle=float(rng.uniform(-8, 8)))
    return Layered(picture=np.asarray(canvas), mask=mask)
