"""Stickers that move: a still picture swayed, squashed and lifted as a plush toy would be, in a loop without a seam.

A motion says where the sticker stands at every time of its loop. Its whole way is measured first and the still is made
as much smaller as it takes, so that nothing but a deliberate dive leaves the canvas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.domain.stickers import EDGE, Motion
from studio.packs.edges import resized
from studio.packs.finishing import clean_transparent
from studio.packs.sparkles import Sparkles

Points = NDArray[np.float64]
_MARGIN = 6 / EDGE  # of the canvas, kept free on the whole way
_SEEN = 8  # alpha from which a pixel counts as part of the sticker, 0–255
_ROWS = 48  # of the silhouette that are measured
_MOMENTS = 48  # of the loop that are measured
_CELLS = 12  # of the mesh that a bent sticker is drawn on, each way


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How a sticker stands at one time, seen from the middle of its foot.

    Attributes:
        x, y: moved to the right and down, as shares of its height.
        turn: degrees clockwise.
        wide, high: times its width and height.
        bend: its head moved to the right with the foot in place, as a share of its height.
    """

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    wide: float = 1.0
    high: float = 1.0
    bend: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Way:
    """A motion: its pose at each time of the loop, 0–1 and at 0 nearly at rest, and how long the loop is."""

    pose: Callable[[float], Pose]
    milliseconds: int
    sparkling: bool = False


class Moving:
    """A sticker on its way through a motion.

    Args:
        still: the finished sticker, RGBA, square.
        motion: any but `Motion.NONE`.
        edge: pixels of the frames.
    """

    def __init__(self, still: Image.Image, motion: Motion, edge: int = EDGE) -> None:
        self.still = still
        self.motion = motion
        self.edge = edge
        self._way = _WAYS[motion]
        placed, self._foot, self._height = _placed(still, self._way.pose, edge)
        # premultiplied, so that no colour of what is transparent is mixed into the edge
        self._placed = placed.convert("RGBa")
        self._sparkles = Sparkles(placed) if self._way.sparkling else None

    def at(self, edge: int) -> Moving:
        """Return the same sticker on the same way, with frames of `edge` pixels."""
        return self if edge == self.edge else Moving(self.still, self.motion, edge)

    def rhythm(self, rate: float) -> tuple[int, int]:
        """Return how many frames the loop has at about `rate` of them a second, and how long each lasts in ms."""
        each = max(1, round(1000 / rate))
        return max(2, round(self._way.milliseconds / each)), each

    def frames(self, rate: float) -> list[Image.Image]:
        """Return the loop, RGBA; the first frame shows the whole sticker."""
        count, _ = self.rhythm(rate)
        return [self.frame(number / count) for number in range(count)]

    def frame(self, time: float) -> Image.Image:
        """Return the sticker at `time` of its loop, 0–1, RGBA."""
        drawn = _drawn(self._placed, self._way.pose(time), self._foot, self._height)
        if self._sparkles:
            drawn.alpha_composite(self._sparkles.at(time))
        return clean_transparent(drawn)


def _placed(
    still: Image.Image, pose: Callable[[float], Pose], edge: int
) -> tuple[Image.Image, tuple[float, float], float]:
    """Return the still where it is at rest, small enough for its whole way; its foot, and its height, in pixels."""
    outline = _outline(still) * (edge / still.width)
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    foot, height = ((left + right) / 2, bottom), max(1.0, bottom - top)
    # a dive below the edge is meant: it makes nothing smaller
    poses = [pose(number / _MOMENTS) for number in range(_MOMENTS)]
    way = np.concatenate([_moved(outline, one, foot, height) - (0, max(0.0, one.y) * height) for one in poses])
    (left, top), (right, bottom) = way.min(axis=0), way.max(axis=0)
    room = edge * (1 - 2 * _MARGIN)
    scale = min(1.0, room / (right - left), room / (bottom - top))
    shift = (edge / 2 - scale * (left + right) / 2, edge / 2 - scale * (top + bottom) / 2)
    size = max(1, round(edge * scale))
    canvas = Image.new("RGBA", (edge, edge))
    canvas.paste(resized(still, (size, size)), (round(shift[0]), round(shift[1])))
    return canvas, (foot[0] * scale + round(shift[0]), foot[1] * scale + round(shift[1])), height * scale


def _outline(still: Image.Image) -> Points:
    """Return points on both sides of the silhouette from its top to its bottom, x and y in pixels."""
    seen = np.asarray(still.getchannel("A")) > _SEEN
    rows = np.nonzero(seen.any(axis=1))[0]
    picked = rows[np.linspace(0, len(rows) - 1, _ROWS).round().astype(int)]
    first, last = seen[picked].argmax(axis=1), still.width - seen[picked][:, ::-1].argmax(axis=1)
    return np.concatenate([np.column_stack([first, picked]), np.column_stack([last, picked + 1])]).astype(np.float64)


def _moved(points: Points, pose: Pose, foot: tuple[float, float], height: float) -> Points:
    """Return where `pose` takes points of the sticker at rest."""
    across, up = points[:, 0] - foot[0], points[:, 1] - foot[1]
    bent = across + pose.bend * height * _lever(up, height)
    cosine, sine = math.cos(math.radians(pose.turn)), math.sin(math.radians(pose.turn))
    wide, high = bent * pose.wide, up * pose.high
    return np.column_stack(
        [
            cosine * wide - sine * high + foot[0] + pose.x * height,
            sine * wide + cosine * high + foot[1] + pose.y * height,
        ]
    )


def _from(points: Points, pose: Pose, foot: tuple[float, float], height: float) -> Points:
    """Return which points at rest `pose` takes to these: the inverse of `_moved`."""
    across, up = points[:, 0] - foot[0] - pose.x * height, points[:, 1] - foot[1] - pose.y * height
    cosine, sine = math.cos(math.radians(pose.turn)), math.sin(math.radians(pose.turn))
    wide, high = (cosine * across + sine * up) / pose.wide, (cosine * up - sine * across) / pose.high
    return np.column_stack([wide - pose.bend * height * _lever(high, height) + foot[0], high + foot[1]])


def _lever(up: Points, height: float) -> Points:
    """Return how much of a bend reaches a height above the foot: none at the foot, all of it at the head."""
    lever: Points = np.square(np.clip(-up / height, 0.0, None))
    return lever


def _drawn(placed: Image.Image, pose: Pose, foot: tuple[float, float], height: float) -> Image.Image:
    if pose == Pose():
        return placed.convert("RGBA")
    cells = _CELLS if pose.bend else 1
    marks = np.linspace(0, placed.width, cells + 1).round()
    grid = np.array([(x, y) for y in marks for x in marks])
    source = _from(grid, pose, foot, height).reshape(cells + 1, cells + 1, 2)
    mesh = [
        (
            (int(marks[x]), int(marks[y]), int(marks[x + 1]), int(marks[y + 1])),
            (*source[y, x], *source[y + 1, x], *source[y + 1, x + 1], *source[y, x + 1]),
        )
        for y in range(cells)
        for x in range(cells)
    ]
    return placed.transform(placed.size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC).convert("RGBA")


def _swell(time: float, middle: float, reach: float) -> float:
    """Return a soft hill of height 1 at `middle`, level from `reach` away on."""
    away = abs(time - middle) / reach
    return math.cos(math.pi / 2 * away) ** 2 if away < 1 else 0.0


def _squashed(by: float) -> tuple[float, float]:
    """Return width and height of something soft that is pressed down by this share of its height."""
    return 1 + 0.6 * by, 1 - by


def _bounce(time: float) -> Pose:
    """Crouch, hop, and give way on landing."""
    flight = (time - 0.20) / 0.45
    lift = 4 * flight * (1 - flight) if 0 < flight < 1 else 0.0
    pressed = 0.09 * _swell(time, 0.11, 0.11) - 0.06 * _swell(time, 0.30, 0.12) - 0.03 * _swell(time, 0.55, 0.10)
    pressed += 0.11 * _swell(time, 0.72, 0.09) - 0.035 * _swell(time, 0.86, 0.08)
    wide, high = _squashed(pressed)
    return Pose(y=-0.15 * lift, wide=wide, high=high)


def _wiggle(time: float) -> Pose:
    """Sway from the foot, the head last."""
    sway = math.sin(math.tau * time)
    return Pose(turn=2.5 * math.sin(math.tau * time + 0.5), bend=0.10 * sway, high=1 - 0.015 * sway * sway)


def _breathe(time: float) -> Pose:
    """Swell and sink."""
    breath = (1 - math.cos(math.tau * time)) / 2
    return Pose(wide=1 + 0.028 * breath, high=1 + 0.05 * breath)


def _wave(time: float) -> Pose:
    """Dive until the head just shows, pop up beyond its height, and wave."""
    if time < 0.12:
        return Pose()
    if time < 0.28:
        down = (time - 0.12) / 0.16
        return Pose(y=0.8 * down * down)
    up = min(1.0, (time - 0.28) / 0.20)
    over = 1 + 2.2 * (up - 1) ** 3 + 1.2 * (up - 1) ** 2  # ends at 1, having been beyond it
    since = max(0.0, (time - 0.48) / 0.52)
    wave = math.sin(2 * math.tau * since) * (1 - since)
    return Pose(y=0.8 * (1 - over), turn=6 * wave, bend=0.05 * wave)


def _shine(time: float) -> Pose:
    """Hardly move, so that the stars do."""
    breath = (1 - math.cos(math.tau * time)) / 2
    return Pose(wide=1 + 0.012 * breath, high=1 + 0.02 * breath)


_WAYS = {
    Motion.BOUNCE: _Way(pose=_bounce, milliseconds=960),
    Motion.WIGGLE: _Way(pose=_wiggle, milliseconds=960),
    Motion.BREATHE: _Way(pose=_breathe, milliseconds=1600),
    Motion.WAVE: _Way(pose=_wave, milliseconds=2400),
    Motion.SPARKLE: _Way(pose=_shine, milliseconds=1600, sparkling=True),
}
