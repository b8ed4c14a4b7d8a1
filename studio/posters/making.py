"""A picture and words to a poster: palette, layout, readable inks, one page as PDF or SVG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from studio.domain.posters import DPI_WANTED, Poster, PosterSize, PosterWords
from studio.errors import InvalidInput
from studio.packs.edges import clean_edges, opaque_at_rim, resized, without_specks
from studio.posters.colours import Rgb, contrast_over, palette_of
from studio.posters.layout import Area, Block, Layout, set_lines
from studio.posters.pdf_sheet import PdfSheet
from studio.posters.rendering import rendered
from studio.posters.sheet import SetLine, Sheet
from studio.posters.svg_sheet import SvgSheet
from studio.posters.templates import template_of

_DPI_MAX = 300
_ENLARGED_MAX = 4  # times; more would only make the file larger
_LOOK_WIDTH = 420  # pixels of the picture in which contrast is measured
_INCH = 25.4


def make(picture: Image.Image, words: PosterWords, *, template: str, size: PosterSize) -> Poster:
    """Return the poster.

    Args:
        picture: RGBA; a cut-out, or a full rectangle, which gets round corners.
        words: what the poster says.
        template: a name in `studio.posters.templates.TEMPLATES`.
        size: the format.

    Raises:
        InvalidInput: there is no such template, the picture is empty, or words cannot be written or do not fit.
    """
    subject = _subject(picture)
    layout = template_of(template)(size, palette_of(subject), words)
    bare = _Composition(layout=layout, subject=subject, place=_place(subject, layout), size=size, words=words)
    lines = [set_lines(block) for block in layout.blocks]
    enlarged = bare.enlarged()
    inks, unreadable = _inks(layout.blocks, lines, bare.pdf(enlarged), size)
    whole = dataclasses.replace(bare, written=tuple(zip(layout.blocks, lines, inks, strict=True)))
    warnings = ([_soft(subject, whole.dpi)] if whole.dpi < DPI_WANTED and not size.pixels else []) + unreadable
    return Poster(
        pdf=whole.pdf(enlarged), svg=whole.svg, dpi=whole.dpi, warnings=tuple(warnings), size=size,
        pictured=whole.place.width,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Composition:
    """Everything on a poster with its place, for any sheet to draw on.

    Attributes:
        layout: ground, and whether the picture stands on it.
        subject: the picture with the pixels that it really has.
        place: where it stands.
        size: the format.
        words: what the poster says.
        written: blocks with their lines and inks; empty to see what lies below the words.
    """

    layout: Layout
    subject: Image.Image
    place: Area
    size: PosterSize
    words: PosterWords
    written: tuple[tuple[Block, tuple[SetLine, ...], Rgb], ...] = ()

    @property
    def dpi(self) -> float:
        return self.subject.width / (self.place.width / _INCH)

    def enlarged(self) -> Image.Image:
        """Return the subject as it is stored: enlarged with sharp edges where it has too few pixels of its own."""
        factor = min(max(_DPI_MAX / self.dpi, 1.0), _ENLARGED_MAX)
        return resized(self.subject, (math.ceil(self.subject.width * factor), math.ceil(self.subject.height * factor)))

    def pdf(self, enlarged: Image.Image) -> bytes:
        sheet = PdfSheet(self.size, self.words.title)
        self._draw(sheet, enlarged)
        return sheet.pdf()

    def svg(self) -> bytes:
        """Draw the page as an SVG; the subject is enlarged anew, so that a poster that is kept takes little memory."""
        sheet = SvgSheet(self.size, self.words)
        self._draw(sheet, self.enlarged())
        return sheet.svg()

    def _draw(self, sheet: Sheet, enlarged: Image.Image) -> None:
        place = self.place
        self.layout.ground(sheet)
        if self.layout.standing:
            sheet.picture(_contact_shadow(), place.x + place.width * 0.04, place.bottom - place.width * 0.05,
                          place.width * 0.92, place.width * 0.1)  # fmt: skip
        sheet.picture(enlarged, place.x, place.y, place.width, place.height)
        for block, lines, ink in self.written:
            for line in lines:
                sheet.text(line, block.font, tracking=block.tracking, ink=ink)


def _subject(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    if opaque_at_rim(picture):
        mask = Image.new("L", (picture.width * 4, picture.height * 4))
        corner = min(mask.size) * 0.06
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius=corner, fill=255)
        picture = picture.copy()
        picture.putalpha(mask.resize(picture.size, Image.Resampling.BOX))
        return picture
    cleaned = without_specks(clean_edges(picture))
    box = cleaned.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        raise InvalidInput("The picture is empty: everything in it is transparent. Choose another one.")
    return cleaned.crop(box)


def _place(subject: Image.Image, layout: Layout) -> Area:
    room = layout.picture
    scale = min(room.width / subject.width, room.height / subject.height)
    width, height = subject.width * scale, subject.height * scale
    x = room.middle - width / 2 if layout.align == "centre" else room.x + room.width - width
    return Area(x=x, y=room.bottom - height, width=width, height=height)


def _contact_shadow() -> Image.Image:
    """Return a flat soft shadow, RGBA, for below the feet."""
    shape = Image.new("L", (640, 96))
    ImageDraw.Draw(shape).ellipse((70, 30, 570, 66), fill=90)
    shadow = Image.new("RGBA", shape.size, (30, 22, 16, 0))
    shadow.putalpha(shape.filter(ImageFilter.GaussianBlur(13)))
    return shadow


def _inks(
    blocks: Sequence[Block], lines: Sequence[tuple[SetLine, ...]], below: bytes, size: PosterSize
) -> tuple[list[Rgb], list[str]]:
    """Return for every block the first of its inks that reads on what lies below it, and a warning where none does."""
    dpi = _LOOK_WIDTH / (size.width / _INCH)
    look = np.asarray(rendered(below, dpi))
    chosen, warnings = [], []
    for block, own in zip(blocks, lines, strict=True):
        if not own:
            chosen.append(block.inks[0])
            continue
        grounds = np.concatenate([_under(line, look, dpi).reshape(-1, 3) for line in own])
        rated = [(contrast_over(ink, grounds), ink) for ink in block.inks]
        good = next((ink for ratio, ink in rated if ratio >= block.contrast), None)
        best, ink = max(rated)
        chosen.append(good or ink)
        if good is None:
            warnings.append(
                f"The {block.what} is hard to read where it lies over the picture (contrast {best:.1f}, "
                f"wanted {block.contrast:.1f}). Shorten it, or choose another template."
            )
    return chosen, warnings


def _under(line: SetLine, look: NDArray[np.uint8], dpi: float) -> NDArray[np.uint8]:
    scale = dpi / _INCH
    left, right = math.floor(line.x * scale), math.ceil((line.x + line.width) * scale)
    top, bottom = (
        math.floor((line.baseline - line.size * 0.75) * scale),
        math.ceil((line.baseline + line.size * 0.2) * scale),
    )
    piece: NDArray[np.uint8] = look[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)]
    return piece


def _soft(subject: Image.Image, dpi: float) -> str:
    return (
        f"The picture has {subject.width} × {subject.height} pixels, which is {dpi:.0f} dpi at this size; "
        f"below {DPI_WANTED} dpi it looks soft from close by. The letters stay sharp."
    )
