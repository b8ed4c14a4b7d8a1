"""A sheet that becomes a PDF: text as text with its fonts embedded, trim box and bleed box."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from studio import fonts
from studio.domain.posters import PosterSize
from studio.posters.colours import Rgb
from studio.posters.sheet import STITCH, Points, SetLine

_POINT = 72 / 25.4  # points in a millimetre
_NEAR = 0.0008  # ems; a kerning less than this is none


class PdfSheet:
    """One page of a size; see `Sheet`.

    Args:
        size: the format.
        title: of the document.
    """

    def __init__(self, size: PosterSize, title: str) -> None:
        self.size = size
        self._buffer = io.BytesIO()
        bleed, width, height = (length * _POINT for length in (size.bleed, size.width, size.height))
        self._canvas: Any = Canvas(
            self._buffer,
            pagesize=(width + 2 * bleed, height + 2 * bleed),
            trimBox=(bleed, bleed, bleed + width, bleed + height),
            bleedBox=(0, 0, width + 2 * bleed, height + 2 * bleed),
            pageCompression=1,
            pdfVersion=(1, 4),  # the first with transparency
            initialFontName=_registered("sans"),  # or an unused font that is not embedded would be named
            invariant=1,  # the same poster is the same file
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor("")
        self._canvas.setSubject("")
        self._canvas.setCreator("Keepsake")
        self._canvas.translate(bleed, bleed + height)
        self._canvas.scale(_POINT, _POINT)

    def pdf(self) -> bytes:
        """Return the page as a PDF; nothing can be drawn afterwards."""
        self._canvas.showPage()
        self._canvas.save()
        return self._buffer.getvalue()

    def fill(self, colour: Rgb) -> None:
        """See `Sheet.fill`."""
        size, bleed = self.size, self.size.bleed
        self._canvas.setFillColorRGB(*colour)
        height = size.height + 2 * bleed
        self._canvas.rect(-bleed, bleed - height, size.width + 2 * bleed, height, stroke=0, fill=1)

    def glow(self, x: float, y: float, radius: float, inner: Rgb, outer: Rgb) -> None:
        """See `Sheet.glow`."""
        colours = [Color(*inner), Color(*outer)]
        self._canvas.radialGradient(x, -y, radius, colours, extend=True)

    def disc(self, x: float, y: float, radius: float, colour: Rgb) -> None:
        """See `Sheet.disc`."""
        self._canvas.setFillColorRGB(*colour)
        self._canvas.circle(x, -y, radius, stroke=0, fill=1)

    def shape(self, points: Points, colour: Rgb) -> None:
        """See `Sheet.shape`."""
        self._canvas.setFillColorRGB(*colour)
        self._canvas.drawPath(self._path(points, close=True), stroke=0, fill=1)

    def stitches(self, points: Points, colour: Rgb, width: float, *, close: bool = False) -> None:
        """See `Sheet.stitches`."""
        canvas = self._canvas
        canvas.saveState()
        canvas.setStrokeColorRGB(*colour)
        canvas.setLineWidth(width)
        canvas.setLineCap(1)
        canvas.setDash([width * length for length in STITCH])
        canvas.drawPath(self._path(points, close=close), stroke=1, fill=0)
        canvas.restoreState()

    def line(self, points: Points, colour: Rgb, width: float) -> None:
        """See `Sheet.line`."""
        self._canvas.setStrokeColorRGB(*colour)
        self._canvas.setLineWidth(width)
        self._canvas.drawPath(self._path(points, close=False), stroke=1, fill=0)

    def picture(self, image: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """See `Sheet.picture`."""
        self._canvas.drawImage(ImageReader(image), x, -y - height, width, height, mask="auto")

    def text(self, line: SetLine, font: str, *, tracking: float, ink: Rgb) -> None:
        """See `Sheet.text`."""
        name = _registered(font)
        self._canvas.setFillColorRGB(*ink)
        for start, run in _runs(line.text, font, tracking):
            written = self._canvas.beginText(line.x + start * line.size, -line.baseline)
            written.setFont(name, line.size)
            written.setCharSpace(tracking * line.size)
            written.textOut(run)
            self._canvas.drawText(written)

    def _path(self, points: Points, *, close: bool) -> Any:
        path = self._canvas.beginPath()
        (x, y), *rest = points
        path.moveTo(x, -y)
        for x, y in rest:
            path.lineTo(x, -y)
        if close:
            path.close()
        return path


def _runs(text: str, font: str, tracking: float) -> Iterator[tuple[float, str]]:
    """Yield pieces of a line between kernings, each with where it begins in ems."""
    places = fonts.positions(text, font)
    advances = [fonts.width(character, font) for character in text]
    start = 0
    for index in range(1, len(text) + 1):
        kerned = index < len(text) and abs(places[index] - places[index - 1] - advances[index - 1]) > _NEAR
        if kerned or index == len(text):
            yield places[start] + tracking * start, text[start:index]
            start = index


def _registered(font: str) -> str:
    name = f"Keepsake-{font}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, str(fonts.path_of(font))))
    return name
