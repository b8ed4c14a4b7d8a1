"""Individuals: one drawing recoloured part by part and re-proportioned, seen in several different views.

Captions name the class and what else is in the view, never the individual's colours: a personal LoRA carries those.
Every view comes with two sketches that the denoiser may be shown of it: the same scene around the class's own drawing,
in the main colours that a photo of the individual would show (its coat), and without colours, so that all of them are
left to the LoRA.
"""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from pipelines.mini.colours import (
    COLOURS,
    colour_groups,
    in_greys,
    palette,
    raster_groups,
    recolour,
    recolour_like,
    recolour_pixels,
)
from pipelines.mini.data.captions import article, scene_caption
from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.drawings import Drawing, rasterise
from pipelines.mini.data.individuals import Individual
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
    """One picture of an individual.

    Attributes:
        picture: uint8 [S, S, 4].
        sketch: of it, the class's drawing in the individual's coat.
        greys: of it, the class's drawing without colours.
        mask: where the subject is.
        caption: of the class and what else is there.
        alone: whether nothing else is.
    """

    picture: np.ndarray
    sketch: np.ndarray
    greys: np.ndarray
    mask: np.ndarray
    caption: str
    alone: bool


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
    sketches = sketched(identity.plain, identity.part.picture)
    found = [_alone(identity.part, sketches, f"{article(identity.part.name)}, {words[0]}")]
    while len(found) < count:
        view = composed_view(identity.part, sketches, composer, words, rng)
        if view is not None:
            found.append(view)
    return found


def views_of(
    individual: Individual, drawn: Part, composer: Composer, count: int, words: list[str], rng: np.random.Generator
) -> list[View]:
    """Return at most `count` views of an individual that is no recoloured drawing, the first its reference.

    Every other of the further ones shows it alone, turned or with another face as its own pictures do; the rest are
    composed.

    Args:
        individual: its pictures and what differs between them.
        drawn: the class's drawing, with its name, style and group.
        composer: composes it with others.
        count: of views, at most as many as it has pictures.
        words: of the style.
        rng: draws the views.
    """
    found: list[View] = []
    for picture, said in list(zip(individual.pictures, individual.views, strict=True))[:count]:
        part = replace(drawn, picture=picture)
        sketches = sketched(drawn.picture, picture)
        view = composed_view(part, sketches, composer, words, rng) if len(found) % 2 else None
        caption = " ".join(filter(None, (article(drawn.name), said)))
        found.append(view or _alone(part, sketches, f"{caption}, {words[0]}"))
    return found


def sketched(plain: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class's drawing [S, S, 4] in the coat that a photo of an individual shows, and without colours."""
    light = np.random.default_rng(zlib.crc32(picture.tobytes()))
    return recolour_like(plain, palette(photographed(picture, light))), in_greys(plain)


def composed_view(
    part: Part,
    sketches: tuple[np.ndarray, np.ndarray],
    composer: Composer,
    words: list[str],
    rng: np.random.Generator,
) -> View | None:
    """Return the individual in some scene, or None where the scene drawn by lot cannot be composed."""
    kinds = list(KINDS)
    kind = kinds[int(rng.choice(len(kinds), p=np.array(list(KINDS.values()))))]
    again = copy.deepcopy(rng)  # the same layout once more, around the other sketch
    composed = composer.compose(part, kind, rng, sketch=sketches[0])
    greys = composer.compose(part, kind, again, sketch=sketches[1])
    if composed is None or greys is None:
        return None
    caption = scene_caption(composed.phrases, words, rng)
    return View(
        picture=composed.picture,
        sketch=composed.sketch,
        greys=greys.sketch,
        mask=composed.mask,
        # Always with the style: it says which drawing of the class the sketch shows.
        caption=caption if words[0] in caption else f"{caption}, {words[0]}",
        alone=kind == ("alone",),
    )


def _alone(part: Part, sketches: tuple[np.ndarray, np.ndarray], caption: str) -> View:
    return View(
        picture=part.picture, sketch=sketches[0], greys=sketches[1], mask=part.picture[..., 3], caption=caption,
        alone=True,
    )  # fmt: skip
