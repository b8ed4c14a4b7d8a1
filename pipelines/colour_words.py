"""The colours of a thing in words, from its cut-outs: what it wears on most of its surface."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipelines.lab import to_lab

_EDGE = 96
_MOST = 3
_LEAST = 0.15  # share of the surface that a colour has to cover to be named
_HINT = 0.04  # share of the purest colour of a family for the rest of the family to be its shades
# Where something is pale enough to be white in dim light, the photo is brought to the light in which it is.
_PALE = 150.0
_WHITE_LEVEL = 240.0
_GAIN_MAX = 1.3
# What people call colours, as sRGB values in the middle of what each word covers.
_WORDS: dict[str, tuple[int, int, int]] = {
    "black": (28, 27, 28),
    "dark grey": (78, 78, 80),
    "grey": (130, 130, 132),
    "light grey": (190, 190, 192),
    "white": (240, 239, 236),
    "cream": (232, 216, 184),
    "tan": (200, 164, 118),
    "brown": (116, 76, 46),
    "dark brown": (62, 42, 30),
    "rust": (186, 104, 48),
    "orange": (244, 132, 32),
    "yellow": (246, 208, 54),
    "red": (204, 40, 40),
    "dark red": (116, 26, 32),
    "pink": (240, 152, 180),
    "purple": (124, 62, 160),
    "dark blue": (30, 44, 98),
    "blue": (46, 98, 200),
    "light blue": (150, 194, 234),
    "teal": (30, 140, 140),
    "dark green": (34, 80, 44),
    "green": (62, 150, 66),
    "light green": (166, 214, 122),
}
# Light and shade: where there is enough of the first colour, the others are taken for it.
_SHADES = (
    ("white", "light grey", "cream"),
    ("black", "dark grey"),
    ("brown", "dark brown"),
    ("red", "dark red"),
    ("blue", "dark blue"),
    ("green", "dark green"),
)
# The plain colour of shades that are hard to tell apart.
_PLAIN = {"cream": "white", "tan": "brown", "rust": "brown", "ginger": "orange"}
_FURRED_WORDS = "dog puppy cat kitten fox rabbit hamster horse pony hen chicken cow squirrel pig monkey"
_FURRED = frozenset(_FURRED_WORDS.split())
_GINGER = ("rust", "orange", "tan")  # the same colours of fur have a word of their own
# sRGB to CIE XYZ (D65), IEC 61966-2-1, rows divided by the white point.


def colours_in_words(cutouts: Sequence[Image.Image], kind: str = "") -> str:
    """Return the main colours of a thing over all its cut-outs, the one that covers most first.

    Every pixel is given the nearest word in CIELAB; shades count with the colour that they are shades of, and a
    colour is named when it covers a seventh of the surface, on average over the cut-outs.

    Args:
        cutouts: RGBA, each counts alike.
        kind: class word; ginger is a colour of fur.

    Returns:
        At most three different colours: ``"ginger and white"``; empty where nothing is opaque.
    """
    shares = [share for share in map(_shares, cutouts) if share is not None]
    if not shares:
        return ""
    covered = dict(zip(_WORDS, np.mean(shares, axis=0), strict=True))
    furred = bool(set(kind.casefold().split()) & _FURRED)
    for first, *others in (*((_GINGER,) if furred else ()), *_SHADES):
        if covered[first] >= _HINT:
            covered[first] += sum(covered.pop(other) for other in others)
    named = sorted(covered, key=lambda word: -covered[word])
    words = [word for word in named if covered[word] >= _LEAST][:_MOST] or named[:1]
    return _joined(["ginger" if furred and word in _GINGER[:2] else word for word in words])


def plain_colours(cutout: Image.Image, kind: str = "", *, most: int) -> tuple[str, ...]:
    """Return the main colours of a cut-out by plain words, without light and dark, the one that covers most first.

    Args:
        cutout: RGBA.
        kind: class word, see `colours_in_words`.
        most: words to return.
    """
    words = re.split(r", | and ", colours_in_words([cutout], kind))
    named = dict.fromkeys(_PLAIN.get(word, word.removeprefix("dark ").removeprefix("light ")) for word in words if word)
    return tuple(named)[:most]


def _shares(cutout: Image.Image) -> np.ndarray | None:
    """Return the share of each word of `_WORDS` on the opaque part of a cut-out; None where there is none."""
    pixels = np.asarray(_small(cutout)).reshape(-1, 4)
    seen = pixels[pixels[:, 3] > 128][:, :3].astype(np.float64)
    if not len(seen):
        return None
    palest = float(np.percentile(seen.min(axis=1), 97))
    gain = np.clip(_WHITE_LEVEL / palest, 1.0, _GAIN_MAX) if palest > _PALE else 1.0
    lab = to_lab(np.minimum(seen * gain, 255.0))
    nearest = np.argmin(np.linalg.norm(lab[:, None] - _LAB[None], axis=2), axis=1)
    shares: np.ndarray = np.bincount(nearest, minlength=len(_WORDS)) / len(seen)
    return shares


_LAB = to_lab(np.array(list(_WORDS.values())))


def _small(cutout: Image.Image) -> Image.Image:
    """Return it at a small size; colours under transparent pixels do not bleed into the others."""
    return cutout.convert("RGBA").convert("RGBa").resize((_EDGE, _EDGE)).convert("RGBA")


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
