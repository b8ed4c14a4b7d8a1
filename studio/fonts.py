"""The bundled typefaces, for drawing and printing; all under the Open Font License, see ``assets/type``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from PIL import ImageFont

from studio.errors import InvalidInput

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "type"
UNITS = 1000  # size in pixels at which text is measured
_FILES = {
    "serif": "young-serif-400regular.ttf",
    "sans": "instrument-sans-500medium.ttf",
    "round": "fredoka-600semibold.ttf",
}
_INVISIBLE = "\n\u00ad\u200b\u2060\ufe0f"


def path_of(font: str) -> Path:
    """Return the TrueType file of ``serif``, ``sans`` or ``round``."""
    return FOLDER / _FILES[font]


@functools.lru_cache(maxsize=256)
def sized(font: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font at `size` pixels an em."""
    return ImageFont.truetype(path_of(font), size)


@functools.cache
def _characters(font: str) -> frozenset[int]:
    from reportlab.pdfbase.ttfonts import TTFontFile  # imported late: the studio starts without it

    return frozenset(TTFontFile(str(path_of(font))).charToGlyph)


def check_glyphs(text: str, font: str, what: str) -> None:
    """Raise `InvalidInput` unless the font has every character of `text`; the message names those it lacks."""
    known = _characters(font)
    lacking = dict.fromkeys(one for one in text if ord(one) not in known and one not in _INVISIBLE)
    if lacking:
        shown = " ".join(list(lacking)[:8])
        raise InvalidInput(f"The bundled font cannot write {shown} in the {what}. Leave them out or use other letters.")


def width(text: str, font: str, *, tracking: float = 0.0) -> float:
    """Return the width of one line in ems, kerning included; `tracking` is added after every character but the last."""
    return sized(font, UNITS).getlength(text) / UNITS + tracking * max(0, len(text) - 1)


def cap_height(font: str) -> float:
    """Return the height of a capital H in ems."""
    return -sized(font, UNITS).getbbox("H", anchor="ls")[1] / UNITS


def positions(text: str, font: str) -> list[float]:
    """Return where each character of a line begins, in ems: advances and kerning, without tracking."""
    measured = sized(font, UNITS)
    return [
        (measured.getlength(text[: index + 1]) - measured.getlength(character)) / UNITS
        for index, character in enumerate(text)
    ]


def outline(text: str, font: str, place: tuple[float, float], size: float) -> str:
    """Return a line as the data of an SVG path, its baseline's middle at `place`, `size` of an em; kerning included."""
    from fontTools.misc.transform import Transform  # imported late: the studio starts without it
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen

    face = _face(font)
    glyphs, names = face.getGlyphSet(), face.getBestCmap()
    scale = size / face["head"].unitsPerEm
    begin = place[0] - width(text, font) * size / 2
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.2f}".rstrip("0").rstrip("."))
    for character, x in zip(text, positions(text, font), strict=True):
        if ord(character) in names:  # joiners and the like are not drawn
            move = Transform(scale, 0, 0, -scale, begin + x * size, place[1])
            glyphs[names[ord(character)]].draw(TransformPen(pen, move))
    return str(pen.getCommands())


@functools.cache
def _face(font: str) -> Any:
    from fontTools.ttLib import TTFont

    return TTFont(path_of(font))
