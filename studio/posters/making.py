"""A picture and words to a poster: palette, layout, readable inks, one PDF page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from studio.domain.posters import DPI_WANTED, Poster, PosterSize, PosterWords
from studio.errors import InvalidInput
from studio.packs.edges import clean_edges, opaque_at_rim, resized, without_specks
from studio.posters.colours import Rgb, contrast_over, palette_of
from studio.posters.layout import Area, Block, Layout, set_lines
from studio.posters.rendering import rendered
from studio.posters.sheet import SetLine, Sheet
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
    place = _place(subject, layout)
    dpi = subject.width / (place.width / _INCH)
    lines = [set_lines(block) for block in layout.blocks]
    drawn = resized(subject, _pixels(subject, dpi))
    below = _draw(layout, drawn, place, size, words, ())
    inks, unreadable = _inks(layout.blocks, lines, below, size)
    pdf = _draw(layout, drawn, place, size, words, [*zip(layout.blocks, lines, inks, strict=True)])
    warnings = ([_soft(subject, dpi)] if dpi < DPI_WANTED and not size.pixels else []) + unreadable
    return Poster(pdf=pdf, dpi=dpi, warnings=tuple(warnings), size=size, pictured=place.width)


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


def _pixels(subject: Image.Image, dpi: float) -> tuple[int, int]:
    """Return how large the picture is stored: enlarged with sharp edges where it has too few pixels of its own."""
    factor = min(max(_DPI_MAX / dpi, 1.0), _ENLARGED_MAX)
    return math.ceil(subject.width * factor), math.ceil(subject.height * factor)


def _draw(
    layout: Layout,
    picture: Image.Image,
    place: Area,
    size: PosterSize,
    words: PosterWords,
    written: Sequence[tuple[Block, tuple[SetLine, ...], Rgb]],
) -> bytes:
    sheet = Sheet(size, words.title)
    layout.ground(sheet)
    if layout.standing:
        sheet.picture(_contact_shadow(), place.x + place.width * 0.04, place.bottom - place.width * 0.05,
                      place.width * 0.92, place.width * 0.1)  # fmt: skip
    sheet.picture(picture, place.x, place.y, place.width, place.height)
    for block, lines, ink in written:
        for line in lines:
            sheet.text(line, block.font, tracking=block.tracking, ink=ink)
    return sheet.pdf()


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
