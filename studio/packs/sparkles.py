"""Stars that light up around a sticker, each in its turn."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

_COUNT = 6
_GOLDEN = 2.399963  # radians: an angle of which no multiples meet
_LARGE, _SMALL = 0.085, 0.055  # reach of a star's points, as a share of the canvas
_WAIST = 0.3  # of that: where its points meet
_RIM = 0.2  # of that: its white border
_FILL, _BORDER = (255, 196, 46, 255), (255, 255, 255, 255)
_OVERSAMPLING = 4


class Sparkles:
    """Stars on the silhouette of `sticker`, an RGBA picture, square; the same sticker always has the same ones."""

    def __init__(self, sticker: Image.Image) -> None:
        self._edge = sticker.width
        self._places = _places(sticker)

    def at(self, time: float) -> Image.Image:
        """Return the stars at `time` of their loop, 0–1, RGBA on nothing."""
        canvas = Image.new("RGBA", (self._edge, self._edge))
        for number, (x, y) in enumerate(self._places):
            glow = max(0.0, math.sin(math.tau * (time + number / len(self._places))))
            reach = self._edge * (_SMALL if number % 2 else _LARGE) * math.sqrt(glow)
            if reach >= 2:
                star = _star(reach)
                canvas.alpha_composite(star, (round(x - star.width / 2), round(y - star.height / 2)))
        return canvas


def _places(sticker: Image.Image) -> list[tuple[float, float]]:
    """Return where the stars stand: where lines from the middle leave the sticker, all inside the canvas."""
    solid = np.asarray(sticker.getchannel("A")) > 128
    edge = sticker.width
    box = sticker.getchannel("A").getbbox() or (0, 0, edge, edge)
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    keep = edge * (_LARGE * (1 + _RIM) + 0.012)
    places = []
    for number in range(_COUNT):
        angle = number * _GOLDEN - math.pi / 3
        way = np.arange(0, edge / 2)
        xs = np.clip(middle[0] + way * math.cos(angle), 0, edge - 1)
        ys = np.clip(middle[1] + way * math.sin(angle), 0, edge - 1)
        inside = np.nonzero(solid[ys.astype(int), xs.astype(int)])[0]
        last = inside[-1] if len(inside) else 0
        places.append((float(np.clip(xs[last], keep, edge - keep)), float(np.clip(ys[last], keep, edge - keep))))
    return places


def _star(reach: float) -> Image.Image:
    """Return a star of four points, `reach` pixels from its middle to each, with a white border."""
    rim = reach * _RIM
    half = math.ceil(reach + rim) + 1
    large = Image.new("RGBA", (2 * half * _OVERSAMPLING,) * 2)
    brush = ImageDraw.Draw(large)
    for size, colour in ((reach + rim, _BORDER), (reach, _FILL)):
        waist = size * _WAIST + (rim * 0.6 if colour is _BORDER else 0)
        points = [
            _OVERSAMPLING * (half + (waist if corner % 2 else size) * turn(math.tau * corner / 8))
            for corner in range(8)
            for turn in (math.sin, math.cos)
        ]
        brush.polygon(points, fill=colour)
    return large.convert("RGBa").resize((2 * half,) * 2, Image.Resampling.LANCZOS).convert("RGBA")
