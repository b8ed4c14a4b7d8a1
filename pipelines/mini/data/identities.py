"""Individuals: one drawing recoloured part by part and re-proportioned, seen in several different views.

Captions name the class and what else is in the view, never the individual's colours: a personal LoRA carries those.
Every view comes with the sketch that the denoiser is shown of it: the same scene around the class's own drawing, in
the main colours that a photo of the individual would show, as it is for a concept of a person's own.
"""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.mini.colours import (
    COLOURS,
    colour_groups,
    palette,
    raster_groups,
    recolour,
    recolour_like,
    recolour_pixels,
)
from pipelines.mini.data.captions import article, scene_caption
from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.drawings import Drawing, rasterise
from pipelines.mini.photographed import photographed

_COATS = tuple(COLOURS)
# what there is beside the individual → how often
KINDS: dict[tuple[str, ...], float] = {
    ("alone",): 0.4, ("companion",): 0.15, ("place",): 0.15, ("ground",): 0.12, ("hat",): 0.12, ("hat", "place"): 0.06,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An individual of a class.

    Attributes:
        part: its own picture, with its class as the name.
        plain: the class's drawing that it was made from, in the individual's build.
        colours: of its parts, for the record; never captioned.
    """

    part: Part
    plain: np.ndarray
    colours: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class View:
    """One picture of an individual, the sketch of it, the subject's mask in it, and its caption."""

    picture: np.ndarray
    sketch: np.ndarray
    mask: np.ndarray
    caption: str


def make_identity(drawing: Drawing, size: int, rng: np.random.Generator) -> Identity | None:
    """Return an individual made from a drawing; None where it has no colour group to change."""
    plain = rasterise(drawing.source, size)
    vector = isinstance(drawing.source, str)
    groups = colour_groups(str(drawing.source)) if vector else raster_groups(plain)
    if not groups:
        return None
    colours = tuple(str(name) for name in rng.choice(_COATS, size=min(3, len(groups)), replace=False))
    if vector:
        coloured = rasterise(recolour(str(drawing.source), colours, groups).svg, size)  # type: ignore[arg-type]
    else:
        coloured = recolour_pixels(plain, colours, groups)  # type: ignore[arg-type]
    build = copy.deepcopy(rng)  # the class's drawing in the same build: a sketch that is off blurs every outline
    part = Part(
        name=drawing.concept.name,
        style=drawing.style,
        group=drawing.concept.group,
        picture=reproportion(coloured, rng),
    )
    return Identity(part=part, plain=reproportion(plain, build), colours=colours)


def reproportion(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stretch a picture [S, S, 4] by up to a fifth in one direction, so that individuals differ in build as well."""
    size = picture.shape[0]
    wide, high = (1.0, float(rng.uniform(0.8, 1))) if rng.random() < 0.5 else (float(rng.uniform(0.8, 1)), 1.0)
    shape = (round(size * wide), round(size * high))
    canvas = Image.new("RGBA", (size, size))
    small = Image.fromarray(picture).convert("RGBa").resize(shape, Image.Resampling.LANCZOS).convert("RGBA")
    canvas.paste(small, ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return np.asarray(canvas)


def views(identity: Identity, composer: Composer, count: int, words: list[str], rng: np.random.Generator) -> list[View]:
    """Return `count` views; the first shows the individual alone, large and upright."""
    part = identity.part
    light = np.random.default_rng(zlib.crc32(part.picture.tobytes()))
    sketch = recolour_like(identity.plain, palette(photographed(part.picture, light)))
    mask = part.picture[..., 3]
    found = [View(picture=part.picture, sketch=sketch, mask=mask, caption=f"{article(part.name)}, {words[0]}")]
    kinds = list(KINDS)
    while len(found) < count:
        kind = kinds[int(rng.choice(len(kinds), p=np.array(list(KINDS.values()))))]
        composed = composer.compose(part, kind, rng, sketch=sketch)
        if composed is not None:
            caption = scene_caption(composed.phrases, words, rng)
            # Always with the style: it says which drawing of the class the sketch shows.
            caption = caption if words[0] in caption else f"{caption}, {words[0]}"
            found.append(View(picture=composed.picture, sketch=composed.sketch, mask=composed.mask, caption=caption))
    return found
