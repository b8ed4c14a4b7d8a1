"""Pictures the base can draw, in each of its styles and in many colours: to pick between, and to try a taste on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.mini.colours import COLOURS, recolour_pixels
from pipelines.mini.library import DrawingLibrary
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.named_colours import COLOUR_NAMES

OFFERED = ("teapot", "cat", "rose", "house")  # things that nobody minds, for pairs to pick between
_THINGS = 4  # in every style as they are, and the first in every colour too
_RECOLOURED = 1
COLOUR_COUNTS, FORM_COUNTS, LOOK_COUNTS, INTEREST_COUNTS = 0.3, 0.1, 2.0, 0.25


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A drawing.

    Attributes:
        thing: what it shows.
        style: the words that ask for its style in a prompt.
        colour: the colour it was given; "" where it has its own.
    """

    thing: str
    style: str
    colour: str


def samples(library: DrawingLibrary, names: Sequence[str] = ()) -> tuple[list[Sample], list[Image.Image]]:
    """Return drawings of a few things that the library has in every style: as they are, and the first recoloured.

    Args:
        library: of the base.
        names: of the things; those that it lacks are left out. None given, or none there: evenly spread ones.
    """
    words = [phrases[0] for phrases in library.style_words.values()]
    known = [library.concept(name) for name in library.names]
    everywhere = [
        concept
        for concept in known
        if concept is not None and len(library.drawn_styles(concept)) == len(words)
    ]  # fmt: skip
    spread = [everywhere[place] for place in np.linspace(0, len(everywhere) - 1, _THINGS).astype(int)]
    chosen = [concept for concept in map(library.concept, names) if concept in everywhere] or spread
    entries, images = [], []
    for number, concept in enumerate(dict.fromkeys(chosen)):
        for style, phrase in enumerate(words):
            drawing = library.picture(concept, style)
            for colour in ("", *(COLOURS if number < _RECOLOURED else ())):
                entries.append(Sample(thing=library.names[concept], style=phrase, colour=colour))
                images.append(_in_colour(drawing, colour))
    return entries, images


def _in_colour(drawing: Image.Image, colour: str) -> Image.Image:
    return Image.fromarray(recolour_pixels(np.asarray(drawing), (colour,)), "RGBA") if colour else drawing


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A way to draw something: words for a style and a colour, and the interest it is for.

    Attributes:
        palette: colours ``#rrggbb`` of a reference that it is drawn in, the main one first; (): its colour's name.
    """

    style: str
    colour: str
    interest: int
    palette: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Contrast:
    """How what somebody likes differs from what they do not like.

    Attributes:
        attributes: in standard deviations [A].
        looks: [D].
    """

    attributes: FloatArray
    looks: FloatArray

    def of_colour(self, name: str) -> float:
        """Return what a colour is worth."""
        return COLOUR_COUNTS * float(self.attributes[ATTRIBUTE_NAMES.index(name)])


Worth = dict[tuple[str, str], float]  # of every style and colour


def worth_of_ways(entries: Sequence[Sample], features: PictureFeatures, contrast: Contrast, near: FloatArray) -> Worth:
    """Return what every way of drawing is worth to a taste, or to a picture that others are to look like.

    A colour is worth what it is more in liked pictures than in others, a style as much as its drawings differ from
    those of the other styles in the same way. What a scorer says of the recoloured samples themselves is worth less:
    they are of few things, and unlike what it learned from. The weights were chosen on people of the train split.

    Args:
        entries: samples [S].
        features: of them, attributes in standard deviations.
        contrast: of the taste.
        near: cosine of each to the centre of an interest [S].
    """
    styles = _worth_of_styles(entries, features, contrast)
    return {
        (style, colour): styles[style]
        + contrast.of_colour(colour)
        + INTEREST_COUNTS * sum(float(near[_of(entries, style, kind)].mean()) for kind in (colour, ""))
        for style, colour in sorted({(entry.style, entry.colour) for entry in entries if entry.colour})
    }


def dealt(worths: Sequence[Worth], counts: Sequence[int]) -> list[Variant]:
    """Return the ways that are worth most to each interest, none twice.

    Args:
        worths: of all ways, for each interest.
        counts: how many ways each interest gets [k], see `interests.allocate`.
    """
    found: list[Variant] = []
    for interest, (worth, count) in enumerate(zip(worths, counts, strict=True)):
        taken = {(one.style, one.colour) for one in found}
        best = [way for way in sorted(worth, key=lambda way: -worth[way]) if way not in taken]
        found += [Variant(style=style, colour=colour, interest=interest) for style, colour in best[:count]]
    return found


def _worth_of_styles(entries: Sequence[Sample], features: PictureFeatures, contrast: Contrast) -> dict[str, float]:
    names = sorted({entry.style for entry in entries})
    form = len(ATTRIBUTE_NAMES) - len(COLOUR_NAMES)  # the others are colours, which a style does not choose
    means = [features[_of(entries, name, "")] for name in names]
    drawn = np.stack([one.attributes[:, :form].mean(axis=0) for one in means])
    looks = np.stack([one.looks.mean(axis=0) for one in means])
    worth = FORM_COUNTS * (drawn - drawn.mean(axis=0)) @ contrast.attributes[:form]
    worth = worth + LOOK_COUNTS * (looks - looks.mean(axis=0)) @ contrast.looks
    return {name: float(value) for name, value in zip(names, worth, strict=True)}


def _of(entries: Sequence[Sample], style: str, colour: str) -> list[int]:
    return [place for place, one in enumerate(entries) if (one.style, one.colour) == (style, colour)]
