"""Photos of several things, made of the photos of one thing each: cut-outs laid on empty parts of other photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.recognition.regions import Box, shared

EDGE = 640
_TRIES = 200
# A strip beside a subject has to be this wide to show what the ground is like.
_LEAST_STRIP = 0.2


@dataclass(frozen=True, kw_only=True)
class Source:
    """A photo of one thing: the thing's box in shares, and its cut-out (RGBA)."""

    photo: Image.Image
    box: Box
    cutout: Image.Image


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A photo of several things: `things` are indices of sources, `boxes` where they lie, in shares."""

    picture: Image.Image
    things: tuple[int, ...]
    boxes: tuple[Box, ...]


def compose(sources: Sequence[Source], things: Sequence[int], rng: np.random.Generator) -> Composed:
    """Lay the cut-outs of `things` beside each other on the ground of some photo; what finds no room is left out."""
    picture = _ground(sources, rng)
    laid: list[int] = []
    boxes: list[Box] = []
    largest = 0.5 if len(things) < 4 else 0.42
    for thing in things:
        cutout = _trimmed(sources[thing].cutout)
        scale = rng.uniform(0.28, largest) * EDGE / max(cutout.size)
        size = max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale))
        place = _free_place(size, boxes, rng)
        if place is None:
            continue
        small = cutout.resize(size, Image.Resampling.LANCZOS)
        picture.paste(small, place, small)
        left, top = place
        boxes.append((left / EDGE, top / EDGE, (left + size[0]) / EDGE, (top + size[1]) / EDGE))
        laid.append(thing)
    return Composed(picture=picture, things=tuple(laid), boxes=tuple(boxes))


def _ground(sources: Sequence[Source], rng: np.random.Generator) -> Image.Image:
    """Return the widest strip beside a subject, continued by mirroring to a square of `EDGE` pixels."""
    while True:
        source = sources[int(rng.integers(len(sources)))]
        left, top, right, bottom = source.box
        strips = [(0.0, 0.0, left, 1.0), (right, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, top), (0.0, bottom, 1.0, 1.0)]
        strip = max(strips, key=lambda one: min(one[2] - one[0], one[3] - one[1]))
        if min(strip[2] - strip[0], strip[3] - strip[1]) > _LEAST_STRIP:
            break
    width, height = source.photo.size
    part = source.photo.crop(
        (int(strip[0] * width), int(strip[1] * height), int(strip[2] * width), int(strip[3] * height))
    )
    pixels = np.asarray(part.resize((round(part.width * 1.6), round(part.height * 1.6)), Image.Resampling.BICUBIC))
    while pixels.shape[0] < EDGE:
        pixels = np.concatenate([pixels, pixels[::-1]], axis=0)
    while pixels.shape[1] < EDGE:
        pixels = np.concatenate([pixels, pixels[:, ::-1]], axis=1)
    return Image.fromarray(np.ascontiguousarray(pixels[:EDGE, :EDGE]))


def _trimmed(cutout: Image.Image) -> Image.Image:
    seen = cutout.getchannel("A").point(lambda value: 255 * (value > 20))
    return cutout.crop(seen.getbbox())


def _free_place(size: tuple[int, int], taken: Sequence[Box], rng: np.random.Generator) -> tuple[int, int] | None:
    width, height = size
    for _ in range(_TRIES):
        left, top = int(rng.integers(EDGE - width)), int(rng.integers(EDGE - height))
        box = (left / EDGE, top / EDGE, (left + width) / EDGE, (top + height) / EDGE)
        if not any(shared(box, other) for other in taken):
            return left, top
    return None
