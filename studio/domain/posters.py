"""Posters: what stands on one, how large it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from studio.errors import InvalidInput

TITLE_MAX, LINE_MAX, CREDITS_MAX = 160, 160, 400
DPI_WANTED = 150  # below this a picture looks soft at arm's length
_INCH = 25.4
_BLEED = 3.0


@dataclass(frozen=True, kw_only=True)
class PosterSize:
    """A format.

    Attributes:
        name: as it is asked for.
        width: of the trimmed sheet in millimetres.
        height: the same.
        bleed: what is printed beyond the trim on each side, in millimetres; 0 for screens.
        pixels: width and height of a picture for a screen; None: it is printed.
    """

    name: str
    width: float
    height: float
    bleed: float = _BLEED
    pixels: tuple[int, int] | None = None

    @property
    def says(self) -> str:
        """The format for a person: ``A3 · 297 × 420 mm``."""
        if self.pixels:
            return f"{self.name.capitalize()} · {self.pixels[0]} × {self.pixels[1]} px"
        return f"{self.name} · {self.width:.0f} × {self.height:.0f} mm"


def _screen(name: str, width: int, height: int) -> PosterSize:
    return PosterSize(
        name=name, width=width / 96 * _INCH, height=height / 96 * _INCH, bleed=0.0, pixels=(width, height)
    )


SIZES = {
    size.name.lower(): size
    for size in (
        PosterSize(name="A5", width=148, height=210),
        PosterSize(name="A4", width=210, height=297),
        PosterSize(name="A3", width=297, height=420),
        PosterSize(name="A2", width=420, height=594),
        PosterSize(name="24x36in", width=24 * _INCH, height=36 * _INCH),
        _screen("square", 1080, 1080),
        _screen("feed", 1080, 1350),
        _screen("story", 1080, 1920),
    )
}


def size_of(name: str) -> PosterSize:
    """Return the format called `name`, in any case; raises `InvalidInput` with those there are."""
    found = SIZES.get(name.strip().lower())
    if found is None:
        known = ", ".join(size.name for size in SIZES.values())
        raise InvalidInput(f"There is no size {name[:40]!r}; choose one of {known}.")
    return found


@dataclass(frozen=True, kw_only=True)
class PosterWords:
    """What a poster says.

    Attributes:
        title: the large words, 1–160 characters.
        line: one or two lines beside them, at most 160 characters; empty for none.
        credits: the small print, at most 400 characters; empty for none.
    """

    title: str
    line: str = ""
    credits: str = ""

    def __post_init__(self) -> None:
        for name, limit in (("title", TITLE_MAX), ("line", LINE_MAX), ("credits", CREDITS_MAX)):
            text = "\n".join(" ".join(row.split()) for row in getattr(self, name).strip().splitlines())
            object.__setattr__(self, name, text)
            if len(text) > limit:
                raise InvalidInput(f"The {name} has {len(text)} characters; at most {limit} are possible.")
        if not self.title:
            raise InvalidInput("The title is empty. Say what the poster is about, for example: Bo.")


@dataclass(frozen=True, kw_only=True)
class Poster:
    """A finished poster.

    Attributes:
        pdf: one page; vector text, embedded fonts, trim and bleed boxes.
        svg: draws the same page once more, letters as outlines, bleed included.
        dpi: what the picture in it really has.
        warnings: sentences about what will not look good.
        size: the format.
        pictured: width of the picture on the sheet in millimetres.
    """

    pdf: bytes
    dpi: float
    warnings: tuple[str, ...]
    size: PosterSize
    pictured: float
    svg: Callable[[], bytes] = field(repr=False)
