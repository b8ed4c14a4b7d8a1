"""What a template decides: where the picture stands, and which words go where, as large as they fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio import fonts
from studio.domain.posters import PosterSize, PosterWords
from studio.errors import InvalidInput
from studio.posters.colours import Palette, Rgb
from studio.posters.sheet import SetLine, Sheet
from studio.typesetting import Box, largest

_STEP = 0.96  # from one size that is tried to the next


@dataclass(frozen=True, kw_only=True)
class Area:
    """A rectangle in millimetres from the upper left corner of the trimmed page."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Of its width."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


@dataclass(frozen=True, kw_only=True)
class Block:
    """Words with the area they have to fit.

    Attributes:
        what: the words as the person knows them: ``title``, ``line`` or ``credits``.
        text: what is written.
        font: ``serif``, ``sans`` or ``round``.
        area: where; words start at its top, or end at its bottom.
        sizes: of the letters, from the largest to the smallest that may be, in millimetres an em.
        lines_max: lines at most.
        align: ``left``, ``centre`` or ``right``.
        upwards: whether the last line stands at the bottom of the area instead.
        leading: from line to line, in ems.
        tracking: between letters, in ems.
        capitals: whether it is written in capitals.
        inks: colours to choose from, the favourite first.
        contrast: at least, with what lies below.
    """

    what: str
    text: str
    font: str
    area: Area
    sizes: tuple[float, float]
    lines_max: int
    inks: tuple[Rgb, ...]
    align: str = "centre"
    upwards: bool = False
    leading: float = 1.12
    tracking: float = 0.0
    capitals: bool = False
    contrast: float = 4.5


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A poster as a template sees it.

    Attributes:
        ground: draws what lies below the picture.
        picture: where the picture stands, at the bottom of the area and in its middle.
        blocks: the words.
        align: of the picture in its area: ``centre`` or ``right``.
        standing: whether a soft shadow lies below the picture's feet.
    """

    ground: Callable[[Sheet], None]
    picture: Area
    blocks: tuple[Block, ...]
    align: str = "centre"
    standing: bool = False


Template = Callable[[PosterSize, Palette, PosterWords], Layout]


def set_lines(block: Block) -> tuple[SetLine, ...]:
    """Break and place the words of a block.

    Raises:
        InvalidInput: a letter is not in the font, or the words do not fit at the smallest size.
    """
    text = block.text.upper() if block.capitals else block.text
    if not text:
        return ()
    fonts.check_glyphs(text, block.font, block.what)
    area = block.area
    found = largest(
        text,
        lambda line: fonts.width(line, block.font, tracking=block.tracking),
        Box(width=area.width, height=area.height, lines_max=block.lines_max, leading=block.leading),
        _between(*block.sizes),
    )
    if found is None:
        raise InvalidInput(
            f"The {block.what} does not fit on the poster: {text[:40]!r}{'…' if len(text) > 40 else ''}. "
            "Make it shorter, or choose another template."
        )
    size, lines = found
    high = fonts.cap_height(block.font) * size
    first = area.y + high
    if block.upwards:
        first = area.bottom - (len(lines) - 1) * block.leading * size
    return tuple(_placed(line, block, size, first + number * block.leading * size) for number, line in enumerate(lines))


def _placed(line: str, block: Block, size: float, baseline: float) -> SetLine:
    width = fonts.width(line, block.font, tracking=block.tracking) * size
    spare = block.area.width - width
    x = block.area.x + {"left": 0.0, "centre": spare / 2, "right": spare}[block.align]
    return SetLine(text=line, x=x, baseline=baseline, width=width, size=size)


def _between(most: float, least: float) -> list[float]:
    sizes = [most]
    while sizes[-1] * _STEP > least:
        sizes.append(sizes[-1] * _STEP)
    return [*sizes, least]
