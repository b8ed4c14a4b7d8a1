"""Words for stickers: in the round face, on even lines, with a white rim that reads on any ground."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from studio import fonts
from studio.errors import InvalidInput
from studio.typesetting import Box, largest

FONT = "round"
INK = (36, 31, 27)
_LEADING = 1.02
_RIM = 0.13  # of the size of the letters
_LARGEST, _SMALLEST = 0.19, 0.085  # letters, as shares of the room; smaller ones are not read on a phone


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of words: where the middle of its baseline lies, in pixels of the picture."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """Words as a picture, RGBA, cropped to what is drawn, and as what can be drawn at any size.

    Attributes:
        picture: the words with their rim.
        lines: the same in words.
        size: of the letters, pixels an em.
        rim: width in pixels.
    """

    picture: Image.Image
    lines: tuple[Line, ...]
    size: int
    rim: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.picture.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.picture.height


def letter(text: str, room: int, *, wrapped: float) -> Lettering:
    """Write `text` on one line, or two, as large as `room` pixels of width allow.

    Args:
        text: what is written.
        room: width in pixels.
        wrapped: share of `room` the words may be high.

    Raises:
        InvalidInput: a letter is not in the font, or the words do not fit at a size that can be read.
    """
    fonts.check_glyphs(text, FONT, "caption")
    sizes = [room * share / 1000 for share in range(round(_LARGEST * 1000), round(_SMALLEST * 1000) - 1, -3)]
    inner = room * (1 - 2 * _RIM * _LARGEST)
    found = _fitting(text, inner, sizes, room * wrapped)
    if found is None:
        raise InvalidInput(f"The caption {text!r} does not fit under a sticker. Make it shorter.")
    return _drawn(found[1], round(found[0]))


def _fitting(text: str, room: float, sizes: list[float], height: float) -> tuple[float, tuple[str, ...]] | None:
    def in_lines(count: int) -> tuple[float, tuple[str, ...]] | None:
        box = Box(width=room, height=height * (1.25 if count > 1 else 1), lines_max=count, leading=_LEADING)
        return largest(text, lambda line: fonts.width(line, FONT), box, sizes)

    one, two = in_lines(1), in_lines(2)
    if one and (two is None or one[0] >= 0.75 * two[0]):  # a second line has to be worth its height
        return one
    return two


def _drawn(lines: tuple[str, ...], size: int) -> Lettering:
    rim = round(size * _RIM)
    font = fonts.sized(FONT, size)
    widths = [font.getlength(line) for line in lines]
    step = round(size * _LEADING)
    canvas = Image.new("RGBA", (round(max(widths)) + 4 * rim, step * len(lines) + size + 4 * rim))
    placed = [(canvas.width / 2, 2 * rim + size + number * step) for number in range(len(lines))]
    for fill, stroke in ((255, 255, 255), rim), (INK, 0):  # all rims lie under all letters
        brush = ImageDraw.Draw(canvas)
        for place, line in zip(placed, lines, strict=True):
            brush.text(place, line, font=font, fill=fill, anchor="ms", stroke_width=stroke, stroke_fill=fill)
    left, top, right, bottom = canvas.getbbox() or (0, 0, *canvas.size)
    return Lettering(
        picture=canvas.crop((left, top, right, bottom)), size=size, rim=rim,
        lines=tuple(Line(text=line, x=x - left, y=y - top) for (x, y), line in zip(placed, lines, strict=True)),
    )  # fmt: skip
