"""What a poster is drawn on, in millimetres from the upper left corner of the trimmed page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from studio.posters.colours import Rgb

Points = Sequence[tuple[float, float]]
STITCH = (4.0, 3.2)  # a stitch and the gap after it, in widths of the thread


@dataclass(frozen=True, kw_only=True)
class SetLine:
    """A line with its place: `x` where it begins, `baseline` where it stands, all in millimetres."""

    text: str
    x: float
    baseline: float
    width: float
    size: float


class Sheet(Protocol):
    """One page of a size, with its bleed around it."""

    def fill(self, colour: Rgb) -> None:
        """Paint the whole page, bleed included."""

    def glow(self, x: float, y: float, radius: float, inner: Rgb, outer: Rgb) -> None:
        """Paint the whole page with a light around a point that is gone at `radius`."""

    def disc(self, x: float, y: float, radius: float, colour: Rgb) -> None:
        """Fill a disc around a point."""

    def shape(self, points: Points, colour: Rgb) -> None:
        """Fill a polygon."""

    def stitches(self, points: Points, colour: Rgb, width: float, *, close: bool = False) -> None:
        """Draw a dashed line, sewn rather than ruled; `width` in millimetres."""

    def line(self, points: Points, colour: Rgb, width: float) -> None:
        """Draw a plain line; `width` in millimetres."""

    def picture(self, image: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """Place an RGBA picture, its transparency kept."""

    def text(self, line: SetLine, font: str, *, tracking: float, ink: Rgb) -> None:
        """Write a line with kerning; `tracking` between letters in ems."""
