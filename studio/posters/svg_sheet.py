"""A sheet that becomes an SVG: letters as outlines, so that it prints without the fonts, and pictures inside the file.

Its unit is the millimetre. The view box begins in the bleed, so that 0, 0 is the upper left corner of the trimmed page.
"""

from __future__ import annotations

import functools
import io
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from PIL import Image

from studio import fonts
from studio.domain.posters import PosterSize, PosterWords
from studio.posters.colours import Rgb
from studio.posters.sheet import STITCH, Points, SetLine

_DECIMALS = 3  # of a millimetre: a thousandth is less than a printer's dot


class SvgSheet:
    """One page of a size; see `Sheet`.

    Args:
        size: the format.
        words: what stands on it, for programs that read pictures out and cannot read outlines.
    """

    def __init__(self, size: PosterSize, words: PosterWords) -> None:
        self.size = size
        width, height = size.width + 2 * size.bleed, size.height + 2 * size.bleed
        self._page = (-size.bleed, -size.bleed, width, height)
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "xmlns:xlink": "http://www.w3.org/1999/xlink",
                "width": f"{_number(width)}mm",
                "height": f"{_number(height)}mm",
                "viewBox": " ".join(map(_number, self._page)),
                "role": "img",
                "aria-labelledby": "title words",
            },
        )
        ElementTree.SubElement(self._root, "title", id="title").text = words.title
        all_words = "\n".join(filter(None, (words.title, words.line, words.credits)))
        ElementTree.SubElement(self._root, "desc", id="words").text = all_words
        self._lights = 0

    def svg(self) -> bytes:
        """Return the page as an SVG."""
        ElementTree.indent(self._root, "")
        page: bytes = ElementTree.tostring(self._root, encoding="utf-8", xml_declaration=True)
        return page

    def fill(self, colour: Rgb) -> None:
        """See `Sheet.fill`."""
        self._whole_page(_hex(colour))

    def glow(self, x: float, y: float, radius: float, inner: Rgb, outer: Rgb) -> None:
        """See `Sheet.glow`."""
        self._lights += 1
        name = f"light-{self._lights}"
        light = self._add("radialGradient", id=name, gradientUnits="userSpaceOnUse", cx=x, cy=y, r=radius)
        ElementTree.SubElement(light, "stop", {"offset": "0", "stop-color": _hex(inner)})
        ElementTree.SubElement(light, "stop", {"offset": "1", "stop-color": _hex(outer)})
        self._whole_page(f"url(#{name})")

    def disc(self, x: float, y: float, radius: float, colour: Rgb) -> None:
        """See `Sheet.disc`."""
        self._add("circle", cx=x, cy=y, r=radius, fill=_hex(colour))

    def shape(self, points: Points, colour: Rgb) -> None:
        """See `Sheet.shape`."""
        self._add("path", d=_path(points, close=True), fill=_hex(colour))

    def stitches(self, points: Points, colour: Rgb, width: float, *, close: bool = False) -> None:
        """See `Sheet.stitches`."""
        thread = self._stroke(points, colour, width, close=close)
        thread.set("stroke-linecap", "round")
        thread.set("stroke-dasharray", " ".join(_number(width * length) for length in STITCH))

    def line(self, points: Points, colour: Rgb, width: float) -> None:
        """See `Sheet.line`."""
        self._stroke(points, colour, width, close=False)

    def picture(self, image: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """See `Sheet.picture`."""
        placed = self._add("image", x=x, y=y, width=width, height=height, preserveAspectRatio="none")
        # SVG 2 calls it href, but programs of printers may still ask for the older name
        placed.set("xlink:href", f"data:image/png;base64,{b64encode(_png(image)).decode()}")

    def text(self, line: SetLine, font: str, *, tracking: float, ink: Rgb) -> None:
        """See `Sheet.text`."""
        self._add("path", d=_outlines(line, font, tracking), fill=_hex(ink)).set("aria-label", line.text)

    def _whole_page(self, paint: str) -> None:
        x, y, width, height = self._page
        self._add("rect", x=x, y=y, width=width, height=height, fill=paint)

    def _stroke(self, points: Points, colour: Rgb, width: float, *, close: bool) -> ElementTree.Element:
        stroke = self._add("path", d=_path(points, close=close), fill="none", stroke=_hex(colour))
        stroke.set("stroke-width", _number(width))
        return stroke

    def _add(self, name: str, **attributes: str | float) -> ElementTree.Element:
        said = {key: value if isinstance(value, str) else _number(value) for key, value in attributes.items()}
        return ElementTree.SubElement(self._root, name, said)


def _outlines(line: SetLine, font: str, tracking: float) -> str:
    """Return the letters of a line as the data of a path."""
    opened = _opened(fonts.path_of(font))
    glyphs, names, em = opened.getGlyphSet(), opened.getBestCmap(), opened["head"].unitsPerEm
    scale = line.size / em
    pen = SVGPathPen(glyphs, ntos=_number)
    for index, (place, character) in enumerate(zip(fonts.positions(line.text, font), line.text, strict=True)):
        if ord(character) not in names:  # an invisible one: others are refused before
            continue
        x = line.x + (place + tracking * index) * line.size
        glyphs[names[ord(character)]].draw(TransformPen(pen, (scale, 0, 0, -scale, x, line.baseline)))
    return str(pen.getCommands())


@functools.cache
def _opened(file: Path) -> Any:
    return TTFont(file, lazy=True)


def _path(points: Iterable[tuple[float, float]], *, close: bool) -> str:
    way = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return f"M{way}Z" if close else f"M{way}"


def _number(value: float) -> str:
    """Write a length without needless zeros."""
    written = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{round(255 * min(max(part, 0.0), 1.0)):02x}" for part in colour)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
