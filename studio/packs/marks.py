"""What somebody feels, in the signs that comics have for it: hearts, a rain cloud, Zs, drops of sweat.

A face that the base model does not know cannot be made to smile, but everybody reads these. They are drawn as shapes
around the subject, so they are sharp at every size, and the subject leans, stretches or sinks along with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw

from studio import fonts
from studio.domain.stickers import Bearing, Mark

Points = list[tuple[float, float]]
Colour = tuple[int, int, int, int]

_OVERSAMPLING = 3
_LINE = 0.055  # of a sign's edge: its contour
_INK: Colour = (44, 34, 30, 255)
_YELLOW, _RED, _ROSE, _BLUE, _PALE, _VIOLET, _GREEN, _WHITE = (
    (255, 200, 52, 255), (226, 52, 52, 255), (255, 112, 146, 255), (86, 172, 240, 255), (214, 226, 238, 255),
    (140, 104, 214, 255), (92, 186, 110, 255), (255, 255, 255, 255),
)  # fmt: skip
_SOLID = 128
_SMOOTH = Image.Resampling.BICUBIC


class _Pen:
    """Draws on a square whose edge is 1; shapes have a contour all around."""

    def __init__(self, edge: float) -> None:
        self._scale = max(8, round(edge)) * _OVERSAMPLING
        self._canvas = Image.new("RGBA", (self._scale, self._scale))
        self._brush = ImageDraw.Draw(self._canvas)

    def shape(self, points: Points, fill: Colour, line: float = _LINE) -> None:
        """Fill a closed shape and draw its contour, corners rounded."""
        placed = [(x * self._scale, y * self._scale) for x, y in points]
        if line:
            self._rounded([*placed, placed[0]], _INK, 2 * line * self._scale)
        self._brush.polygon(placed, fill=fill)

    def discs(self, discs: Sequence[tuple[float, float, float]], fill: Colour, line: float = _LINE) -> None:
        """Fill overlapping discs (x, y, radius) with one contour around all of them."""
        for more, colour in ((line, _INK), (0.0, fill)):
            for x, y, radius in discs:
                self._disc(x * self._scale, y * self._scale, (radius + more) * self._scale, colour)

    def stroke(self, points: Points, width: float, colour: Colour, line: float = _LINE) -> None:
        """Draw a line with round ends, and its contour."""
        placed = [(x * self._scale, y * self._scale) for x, y in points]
        if line:
            self._rounded(placed, _INK, (width + 2 * line) * self._scale)
        self._rounded(placed, colour, width * self._scale)

    def letter(self, text: str, fill: Colour, line: float = _LINE) -> None:
        """Write in the round face, as large as it fits."""
        contour = round(line * self._scale)
        font = fonts.sized("round", round(0.92 * self._scale))
        left, top, right, bottom = font.getbbox(text, stroke_width=contour)
        place = ((self._scale - left - right) / 2, (self._scale - top - bottom) / 2)
        self._brush.text(place, text, font=font, fill=fill, stroke_width=contour, stroke_fill=_INK)

    def picture(self) -> Image.Image:
        """Return what was drawn, at its size."""
        edge = self._scale // _OVERSAMPLING
        return self._canvas.convert("RGBa").resize((edge, edge), Image.Resampling.LANCZOS).convert("RGBA")

    def _rounded(self, placed: Points, colour: Colour, width: float) -> None:
        self._brush.line(placed, fill=colour, width=round(width), joint="curve")
        for x, y in placed:
            self._disc(x, y, width / 2, colour)

    def _disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _turned(points: Points, angle: float, scale: float = 1.0, middle: tuple[float, float] = (0.5, 0.5)) -> Points:
    cos, sin = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    return [(middle[0] + cos * x - sin * y, middle[1] + sin * x + cos * y) for x, y in points]


def _star(pen: _Pen) -> None:
    radii = (0.42, 0.14)
    pen.shape(
        _turned([(radii[n % 2] * math.sin(n * math.pi / 4), -radii[n % 2] * math.cos(n * math.pi / 4))
                 for n in range(8)], 8), _YELLOW,
    )  # fmt: skip


def _heart(pen: _Pen) -> None:
    angles = [math.tau * step / 60 for step in range(60)]
    pen.shape(
        _turned(
            [(16 * math.sin(a) ** 3,
              -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) + 2.5)
             for a in angles], 10, 0.024,
        ), _ROSE,
    )  # fmt: skip


def _drop(pen: _Pen) -> None:
    round_part = [(0.26 * math.cos(a), 0.14 + 0.26 * math.sin(a)) for a in np.linspace(-0.35, math.pi + 0.35, 40)]
    pen.shape(_turned([(0.0, -0.4), *round_part], 0), _BLUE)
    pen.stroke([(0.42, 0.66), (0.47, 0.76)], 0.06, _WHITE, line=0)


def _cloud(pen: _Pen) -> None:
    for x, y in ((0.3, 0.74), (0.5, 0.84), (0.7, 0.74)):
        pen.stroke([(x, y - 0.05), (x - 0.03, y + 0.06)], 0.07, _BLUE, line=0.03)
    pen.discs(
        [(0.27, 0.46, 0.15), (0.46, 0.33, 0.2), (0.68, 0.39, 0.16), (0.78, 0.5, 0.11), (0.5, 0.5, 0.13)], _PALE, 0.035
    )


def _anger(pen: _Pen) -> None:
    bend = [(0.42 - 0.3 * math.sin(a), 0.42 - 0.3 * math.cos(a)) for a in np.linspace(0.0, math.pi / 2, 14)]
    for quarter in range(4):
        pen.stroke(_turned(bend, 90 * quarter), 0.095, _RED, line=0.04)


def _zed(pen: _Pen) -> None:
    pen.letter("Z", _VIOLET)


def _alarm(pen: _Pen) -> None:
    pen.letter("!", _RED)


def _question(pen: _Pen) -> None:
    pen.letter("?", _VIOLET)


def _note(pen: _Pen) -> None:
    pen.discs([(0.26, 0.74, 0.13), (0.7, 0.66, 0.13)], _VIOLET)
    for x, y in ((0.36, 0.74), (0.8, 0.66)):
        pen.stroke([(x, y), (x, y - 0.46)], 0.07, _VIOLET)
    pen.stroke([(0.36, 0.26), (0.8, 0.18)], 0.13, _VIOLET)
    pen.discs([(0.26, 0.74, 0.13), (0.7, 0.66, 0.13)], _VIOLET, 0)
    for x, y in ((0.36, 0.74), (0.8, 0.66)):
        pen.stroke([(x, y), (x, y - 0.46)], 0.07, _VIOLET, line=0)


def _bulb(pen: _Pen) -> None:
    for angle in (-80, -40, 0, 40, 80):
        pen.stroke(_turned([(0.0, -0.36), (0.0, -0.43)], angle, middle=(0.5, 0.5)), 0.05, _YELLOW, line=0.025)
    pen.shape([(0.4, 0.62), (0.6, 0.62), (0.6, 0.84), (0.4, 0.84)], _PALE, 0.04)
    pen.discs([(0.5, 0.46, 0.21)], _YELLOW, 0.04)
    pen.shape([(0.41, 0.62), (0.59, 0.62), (0.6, 0.7), (0.4, 0.7)], _YELLOW, 0)
    pen.stroke([(0.4, 0.44), (0.45, 0.36)], 0.05, _WHITE, line=0)


def _swirl(pen: _Pen) -> None:
    turns = [(0.035 * a, a) for a in np.linspace(1.2, 4.2 * math.pi, 90)]
    pen.stroke(_turned([(r * math.cos(a), 0.8 * r * math.sin(a)) for r, a in turns], 0, 0.8), 0.07, _VIOLET, line=0.03)


def _thumb(pen: _Pen) -> None:
    skin = _YELLOW
    pen.shape(
        [(0.3, 0.5), (0.42, 0.4), (0.47, 0.16), (0.56, 0.1), (0.64, 0.17), (0.62, 0.4), (0.82, 0.4), (0.88, 0.48),
         (0.85, 0.56), (0.87, 0.64), (0.83, 0.7), (0.84, 0.78), (0.79, 0.83), (0.78, 0.9), (0.72, 0.93), (0.44, 0.93),
         (0.3, 0.86)], skin, 0.035,
    )  # fmt: skip
    for y in (0.55, 0.69, 0.82):
        pen.stroke([(0.66, y), (0.82, y)], 0.03, (206, 148, 20, 255), line=0)
    pen.shape([(0.1, 0.46), (0.28, 0.46), (0.28, 0.92), (0.1, 0.92)], _BLUE, 0.035)


def _speed(pen: _Pen) -> None:
    for y, start in ((0.2, 0.3), (0.5, 0.06), (0.8, 0.36)):
        pen.stroke([(start, y), (0.92, y)], 0.075, _PALE, line=0.03)


def _confetti(pen: _Pen) -> None:
    colours = (_ROSE, _BLUE, _YELLOW, _GREEN, _VIOLET)
    for number in range(18):
        angle = math.radians(-168 + 156 * (number * 0.618 % 1))
        far = 0.3 + 0.15 * (number % 3) / 2
        place = (0.5 + far * math.cos(angle), 0.56 + far * math.sin(angle))
        piece = [(-0.034, -0.02), (0.034, -0.02), (0.034, 0.02), (-0.034, 0.02)]
        pen.shape(_turned(piece, 67 * number, middle=place), colours[number % len(colours)], 0.011)


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """Where a sign stands beside the subject.

    Attributes:
        draw: draws it.
        x: of its middle, in shares of the head's width from its left; mirrored where there is more room on the left.
        y: of its middle, in shares of the subject's height from the top.
        edge: in shares of the subject's longer edge.
        turn: degrees, clockwise.
        behind: whether it lies behind the subject.
        of_all: whether `x` is a share of the whole subject's width instead.
    """

    draw: Callable[[_Pen], None]
    x: float
    y: float
    edge: float
    turn: float = 0.0
    behind: bool = False
    of_all: bool = False


def _sign(draw: Callable[[_Pen], None], x: float, y: float, edge: float, turn: float = 0.0, **more: bool) -> _Sign:
    return _Sign(draw=draw, x=x, y=y, edge=edge, turn=turn, **more)


_SIGNS: Mapping[Mark, tuple[_Sign, ...]] = MappingProxyType({
    Mark.NONE: (),
    Mark.STARS: (
        _sign(_star, 1.16, 0.08, 0.28), _sign(_star, -0.06, 0.14, 0.2), _sign(_star, 0.9, -0.06, 0.15)
    ),
    Mark.HEARTS: (
        _sign(_heart, 1.16, 0.08, 0.3), _sign(_heart, -0.06, 0.12, 0.21, -24), _sign(_heart, 0.86, -0.07, 0.16, -12)
    ),
    Mark.CLOUD: (_sign(_cloud, 0.5, -0.12, 0.62),),
    Mark.ANGER: (_sign(_anger, 0.98, 0.03, 0.3, 10),),
    Mark.SLEEP: (
        _sign(_zed, 1.34, -0.24, 0.29, 16), _sign(_zed, 1.16, -0.06, 0.22, 12), _sign(_zed, 1.02, 0.08, 0.16, 8)
    ),
    Mark.ALARM: (_sign(_alarm, 1.08, 0.0, 0.34, 14), _sign(_alarm, 1.3, 0.07, 0.25, 24)),
    Mark.QUESTION: (_sign(_question, 1.12, 0.0, 0.36, 14), _sign(_question, 0.0, 0.02, 0.22, -16)),
    Mark.SWEAT: (
        _sign(_drop, 1.08, 0.08, 0.22, 18), _sign(_drop, 1.22, 0.22, 0.16, 26), _sign(_drop, -0.06, 0.1, 0.16, -20)
    ),
    Mark.THUMB: (_sign(_thumb, 0.92, 0.74, 0.44, -6, of_all=True),),
    Mark.CONFETTI: (_sign(_confetti, 0.5, 0.2, 1.25, behind=True),),
    Mark.NOTES: (_sign(_note, 1.14, 0.04, 0.32, 8), _sign(_note, -0.06, 0.1, 0.22, -12)),
    Mark.BULB: (_sign(_bulb, 0.72, -0.12, 0.44, 12),),
    Mark.DIZZY: (_sign(_swirl, 1.02, 0.02, 0.32), _sign(_swirl, 0.0, 0.04, 0.26), _sign(_star, 0.5, -0.08, 0.18)),
    Mark.SPEED: (_sign(_speed, -0.1, 0.6, 0.44, behind=True, of_all=True),),
})  # fmt: skip

# width and height, shear and turn in degrees; around the middle of the feet
_BEARINGS: Mapping[Bearing, tuple[float, float, float, float]] = MappingProxyType({
    Bearing.UPRIGHT: (1.0, 1.0, 0.0, 0.0),
    Bearing.TILTED: (1.0, 1.0, 0.0, 9.0),
    Bearing.SUNK: (1.08, 0.84, 0.0, 0.0),
    Bearing.STRETCHED: (0.94, 1.08, 0.0, 0.0),
    Bearing.LEANING: (1.0, 1.0, -0.2, 0.0),
})  # fmt: skip


def borne(subject: Image.Image, bearing: Bearing) -> Image.Image:
    """Return the subject, RGBA and cropped to what is seen, in another bearing."""
    wide, high, shear, turn = _BEARINGS[bearing]
    if bearing is Bearing.UPRIGHT:
        return subject
    width, height = round(subject.width * wide), round(subject.height * high)
    lean = abs(shear) * height
    moved = subject.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
    if shear:
        moved = moved.transform(
            (round(width + lean), height), Image.Transform.AFFINE, (1, -shear, shear * height, 0, 1, 0), _SMOOTH
        )
    if turn:
        moved = moved.rotate(-turn, _SMOOTH, expand=True)
    seen = moved.convert("RGBA")
    return seen.crop(seen.getchannel("A").getbbox())


def marked(subject: Image.Image, mark: Mark) -> Image.Image:
    """Return the subject with its signs, RGBA, cropped to what is seen.

    Args:
        subject: RGBA, cropped to what is seen.
        mark: which signs; `Mark.NONE` returns the subject as it is.
    """
    signs = _SIGNS[mark]
    if not signs:
        return subject
    longer = max(subject.size)
    room = round(longer * 0.6)
    canvas = Image.new("RGBA", (subject.width + 2 * room, subject.height + 2 * room))
    head = _head(subject)
    for behind in (True, False):
        if not behind:
            canvas.alpha_composite(subject, (room, room))
        for sign in signs:
            if sign.behind is behind:
                _put(canvas, subject, sign, head, room)
    return canvas.crop(canvas.getchannel("A").getbbox())


def _put(canvas: Image.Image, subject: Image.Image, sign: _Sign, head: tuple[float, float], room: int) -> None:
    pen = _Pen(sign.edge * max(subject.size))
    sign.draw(pen)
    drawn = pen.picture()
    left, right = (0.0, float(subject.width)) if sign.of_all else head
    mirrored = not sign.of_all and subject.width - right < left
    turn = -sign.turn if mirrored else sign.turn
    if turn:
        drawn = drawn.convert("RGBa").rotate(-turn, _SMOOTH, expand=True).convert("RGBA")
    x = right - sign.x * (right - left) if mirrored else left + sign.x * (right - left)
    y = sign.y * subject.height
    canvas.alpha_composite(drawn, (round(room + x - drawn.width / 2), round(room + y - drawn.height / 2)))


def _head(subject: Image.Image) -> tuple[float, float]:
    """Return from where to where the upper third of the subject reaches, thin things such as a tail left aside."""
    alpha = np.asarray(subject.getchannel("A")) > _SOLID
    columns = alpha[: max(1, alpha.shape[0] // 3)].sum(axis=0).astype(float)
    if not columns.any():
        return 0.0, float(subject.width)
    places = np.arange(len(columns)) + 0.5
    middle = float(np.average(places, weights=columns))
    half = math.sqrt(3 * float(np.average((places - middle) ** 2, weights=columns)))  # as if it were even
    return max(0.0, middle - half), min(float(subject.width), middle + half)
