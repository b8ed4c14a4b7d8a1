"""Individuals: one drawing recoloured part by part and re-proportioned, seen in several different views.

Captions name the class and what else is in the view, never the individual's colours: a personal LoRA carries those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.mini.data.captions import article, scene_caption
from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.drawings import Drawing, rasterise
from pipelines.mini.data.recolour import COLOURS, colour_groups, recolour

_COATS = tuple(COLOURS)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An individual of a class: its own picture, and the colours of its parts (for the record, never captioned)."""

    name: str
    style: str
    group: str
    colours: tuple[str, ...]
    picture: np.ndarray


def make_identity(drawing: Drawing, size: int, rng: np.random.Generator) -> Identity | None:
    """Return an individual made from a vector drawing; None where it has no colour group to change."""
    assert isinstance(drawing.source, str)
    groups = colour_groups(drawing.source)
    if not groups:
        return None
    colours = tuple(str(name) for name in rng.choice(_COATS, size=min(3, len(groups)), replace=False))
    picture = rasterise(recolour(drawing.source, colours, groups).svg, size)
    name = drawing.concept.name
    return Identity(
        name=name, style=drawing.style, group=drawing.concept.group, colours=colours, picture=reproportion(picture, rng)
    )


def reproportion(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stretch a picture [S, S, 4] by up to a fifth in one direction, so that individuals differ in build as well."""
    size = picture.shape[0]
    wide, high = (1.0, float(rng.uniform(0.8, 1))) if rng.random() < 0.5 else (float(rng.uniform(0.8, 1)), 1.0)
    shape = (round(size * wide), round(size * high))
    canvas = Image.new("RGBA", (size, size))
    small = Image.fromarray(picture).convert("RGBa").resize(shape, Image.Resampling.LANCZOS).convert("RGBA")
    canvas.paste(small, ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return np.asarray(canvas)


def views(
    identity: Identity, composer: Composer, count: int, words: list[str], rng: np.random.Generator
) -> list[tuple[np.ndarray, str]]:
    """Return `count` (picture, caption) views; the first shows the individual alone, large and upright."""
    part = Part(name=identity.name, style=identity.style, group=identity.group, picture=identity.picture)
    found = [(identity.picture, f"{article(identity.name)}, {words[0]}")]
    while len(found) < count:
        kind = str(rng.choice(["moved", "companion", "place", "ground", "hat"], p=[0.35, 0.2, 0.2, 0.15, 0.1]))
        composed = composer.compose(part, kind, rng)
        if composed is not None:
            layered, phrases = composed
            caption = scene_caption(phrases, words, rng)
            # Always with the style: it says which drawing of the class the denoiser looks at.
            found.append((layered.picture, caption if words[0] in caption else f"{caption}, {words[0]}"))
    return found
