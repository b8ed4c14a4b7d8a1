"""Pictures the base can draw, in each of its styles and in many colours: to pick between, and to try a taste on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.mini.colours import COLOURS, recolour_pixels
from pipelines.mini.library import DrawingLibrary

_THINGS = 4  # in every style as they are, and the first in every colour too
_RECOLOURED = 1


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


def samples(library: DrawingLibrary) -> tuple[list[Sample], list[Image.Image]]:
    """Return drawings of a few things that the library has in every style: as they are, and recoloured."""
    words = [phrases[0] for phrases in library.style_words.values()]
    known = [library.concept(name) for name in library.names]
    everywhere = [
        concept
        for concept in known
        if concept is not None and len(library.drawn_styles(concept)) == len(words)
    ]  # fmt: skip
    chosen = [everywhere[place] for place in np.linspace(0, len(everywhere) - 1, _THINGS).astype(int)]
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
    """A way to draw something: words for a style and a colour, and the interest it is for."""

    style: str
    colour: str
    interest: int


def variants(entries: Sequence[Sample], logits: np.ndarray, near: np.ndarray, counts: Sequence[int]) -> list[Variant]:
    """Return the ways of drawing that a taste expects most of, dealt out to its interests.

    Args:
        entries: samples [S].
        logits: what the taste says of each [S].
        near: cosine of each to the centre of each interest [S, k].
        counts: how many ways each interest gets [k], see `interests.allocate`.
    """
    ways = sorted({(entry.style, entry.colour) for entry in entries if entry.colour})
    styles = np.array([entry.style for entry in entries])
    colours = np.array([entry.colour for entry in entries])
    found: list[Variant] = []
    for interest, count in enumerate(counts):
        # An interest's own pictures count more for it than what the taste as a whole says of everything.
        value = logits + 2.0 * near[:, interest]
        worth = {way: float(value[(styles == way[0]) & (colours == way[1])].mean()) for way in ways}
        # Two styles of one colour and two colours of one style: the plain drawings say which style it is.
        for style in {way[0] for way in ways}:
            own = float(value[(styles == style) & (colours == "")].mean())
            worth |= {way: worth[way] + own for way in ways if way[0] == style}
        taken = {(one.style, one.colour) for one in found}
        best = [way for way in sorted(worth, key=lambda way: -worth[way]) if way not in taken]
        found += [Variant(style=style, colour=colour, interest=interest) for style, colour in best[:count]]
    return found
