"""A drawing to filled shapes: few tones in their places, each traced into curves and shaded along a line.

Clustering by a tracer alone loses soft shading, or makes a thousand slivers of it. So the places are found here: what
is mixed between two tones is given to the nearer one, flat ground is calmed, every pixel takes the tone that most of
its neighbourhood has, and only then the curves are fitted (by VTracer, github.com/visioncortex/vtracer). A shape's
colour runs along a straight line where the drawing's does, so that a few shapes carry a soft shade.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFilter

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Colour = tuple[int, int, int]
Point = tuple[float, float]

UNITS = 5  # of a path, for each pixel that was traced: whole numbers are short
_SOLID = 128  # alpha of what is part of a shape
_STEP, _RAMP, _TOGGLES = 24, 3, 6  # contrast, pixels and passes with which a blurred edge is made a step
_FLAT, _FLAT_REACH, _CALM = 26, 9, 4  # contrast of flat ground, the pixels it is looked for in, and its blur
_TONES_MAX = 48
_FAMILY = 25  # tolerance, in CIELAB, within which tones are of one family
_BITS = 6  # of each channel where tones are counted
_RAMP_REACH = 13  # pixels in which the ends of a ramp are looked for
_LEAST = 60  # pixels of a tone, and of what is worth a shape
_VOTES = 4  # pixels, the blur with which neighbours vote
_OVERLAP = 7  # pixels, the window with which a shape reaches under those above it
_SHADED_FROM, _SHADE = 400, 6  # pixels of a shape that is shaded, and the least difference worth it, 0–255
_SAMPLES = 6000  # pixels a shade is fitted to
_FIT = {
    "colormode": "binary", "mode": "spline", "corner_threshold": 60, "length_threshold": 10.0,
    "splice_threshold": 45, "max_iterations": 10, "path_precision": 1,
}  # fmt: skip
_PATH = re.compile(r'<path d="([^"]*)"[^>]*translate\(([-\d.]+),([-\d.]+)\)')
_COMMAND = re.compile(r"([MCLZ])([^MCLZ]*)")


@dataclass(frozen=True, kw_only=True)
class Shade:
    """A colour that runs from `start` to `end`, both in the units of the paths."""

    start: Point
    end: Point
    colours: tuple[Colour, Colour]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A closed path in SVG's words, in `UNITS` to the pixel, and what it is filled with."""

    path: str
    fill: Colour | Shade


@dataclass(frozen=True, kw_only=True)
class Grain:
    """How coarse a drawing becomes.

    Attributes:
        tolerance: of tones, in CIELAB (ΔE).
        speckle: edge in pixels of the smallest shape that is kept.
    """

    tolerance: float
    speckle: int


@dataclass(frozen=True, kw_only=True)
class _Tones:
    """Which tone is where.

    Attributes:
        number: of each pixel's tone, in the order in which they are painted; −1 outside.
        family: of each tone, in the same order; those of one family stand together.
    """

    number: NDArray[np.int16]
    family: NDArray[np.intp]


class Drawing:
    """A picture made ready to be traced, as often as it takes.

    Args:
        picture: RGBA; what is less than half opaque is not part of it.
    """

    def __init__(self, picture: Image.Image) -> None:
        pixels = np.asarray(picture)
        self.inside: Bools = pixels[..., 3] >= _SOLID
        self._colours = _calmed(_stepped(_carried_out(pixels[..., :3], self.inside)))
        contrast = _contrast(self._colours, 5)
        self._flat = contrast < _FLAT * 1.5
        self._settled = self.inside & ~((contrast > _STEP) & _between(self._colours))

    def shapes(self, grain: Grain) -> list[Shape]:
        """Return the shapes from the lowest to the uppermost; they reach past the silhouette, which has to clip them.

        Where there are none the picture is empty.
        """
        if not self.inside.any():
            return []
        voted = _voted(_toned(self._colours, self.inside, grain.tolerance), self.inside, self._settled)
        return list(self._painted(_in_families(voted, self.inside, self._colours), grain.speckle))

    def _painted(self, tones: _Tones, speckle: int) -> Iterator[Shape]:
        height, width = (edge * UNITS for edge in self.inside.shape)
        ground = f"M0 0h{width}v{height}h-{width}z"
        yield Shape(path=ground, fill=self._fill(*np.nonzero(tones.number == 0)))
        kin = np.where(self.inside, tones.family[tones.number], len(tones.family))  # outside is above all
        for first in np.unique(tones.family, return_index=True)[1]:
            family = tones.family[first]
            whole = kin == family
            if family:  # the first one is the ground
                yield from self._filled(
                    whole | (_wider(whole) & (kin > family)), (tones.number == first, whole), speckle
                )
            for tone in range(first + 1, len(tones.family)):
                if tones.family[tone] != family:
                    break
                own = tones.number == tone
                above = (whole & (tones.number > tone)) | ~self.inside
                yield from self._filled(own | (_wider(own) & above), (own,), speckle)

    def _filled(self, mask: Bools, sources: Sequence[Bools], speckle: int) -> Iterator[Shape]:
        """Trace a mask; each part has the colours of the first source in it, of its flat pixels where there are."""
        for path, (left, top, right, bottom) in _curves(mask, speckle):
            for source in sources:
                own = source[top:bottom, left:right]
                for among in (own & self._flat[top:bottom, left:right], own):
                    rows, columns = np.nonzero(among)
                    if len(rows) >= _LEAST / 3:
                        break
                else:
                    continue
                yield Shape(path=path, fill=self._fill(rows + top, columns + left))
                break

    def _fill(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Colour | Shade:
        some = slice(None, None, len(rows) // _SAMPLES + 1)
        rows, columns = rows[some], columns[some]
        colours: Doubles = self._colours[rows, columns].astype(np.float64)
        if len(rows) >= min(_SHADED_FROM, _SAMPLES):
            shade = _shade(np.stack([columns, rows], axis=1).astype(np.float64) + 0.5, colours)
            if shade is not None:
                return shade
        return _colour(colours.mean(axis=0))


def silhouette(alpha: Image.Image, least: int = _SOLID) -> str:
    """Return where an alpha channel is at least so much as a path in `UNITS` to the pixel; empty where nowhere."""
    return "".join(path for path, _ in _curves(np.asarray(alpha) >= least, 4))


def _carried_out(colours: Pixels, inside: Bools) -> Pixels:
    """Return the colours with those of the border continued outside, so that no filter mixes foreign ones in."""
    blur = ImageFilter.GaussianBlur(8)
    known = np.where(inside[..., None], colours, 0).astype(np.uint8)
    weight = np.asarray(Image.fromarray(_grey(inside)).filter(blur)).astype(np.float32)[..., None] / 255
    around = np.asarray(Image.fromarray(known).filter(blur)) / np.maximum(weight, 1 / 255)
    return np.where(inside[..., None], colours, np.clip(around, 0, 255)).astype(np.uint8)


def _stepped(colours: Pixels) -> Pixels:
    """Make ramps at edges steps: each pixel becomes the brighter or the darker end, whichever is nearer.

    Kramer and Bruckner, "Iterations of a non-linear transformation for enhancement of digital images", 1975.
    """
    for _ in range(_TOGGLES):
        high, low = _highest(colours, _RAMP), ~_highest(~colours, _RAMP)
        nearer = np.where(high - colours < colours - low, high, low)
        steep = (high - low).max(axis=2) > _STEP
        colours = np.where(steep[..., None], nearer, colours)
    return colours


def _calmed(colours: Pixels) -> Pixels:
    """Blur what is flat anyway: its noise would fray the border between two tones."""
    flat = _contrast(colours, _FLAT_REACH) < _FLAT
    picture = Image.fromarray(colours)
    soft = np.asarray(Image.fromarray(_grey(flat)).filter(ImageFilter.GaussianBlur(2)))
    mask = Image.fromarray(np.where(flat, soft, 0).astype(np.uint8))
    return np.asarray(Image.composite(picture.filter(ImageFilter.GaussianBlur(_CALM)), picture, mask))


def _contrast(colours: Pixels, reach: int) -> Pixels:
    """Return the largest difference of any channel within a square of `reach` pixels."""
    contrast: Pixels = (_highest(colours, reach) - ~_highest(~colours, reach)).max(axis=2)
    return contrast


def _highest(values: Pixels, reach: int) -> Pixels:
    """Return the highest value within a square of `reach` pixels, an odd number; Pillow's filter is far slower."""
    for axis in (0, 1):
        padded = np.pad(values, [(reach // 2,) * 2 if at == axis else (0, 0) for at in range(values.ndim)], "edge")
        length = values.shape[axis]
        parts = (padded[(slice(None),) * axis + (slice(start, start + length),)] for start in range(reach))
        values = functools.reduce(np.maximum, parts)
    return values


def _between(colours: Pixels) -> Bools:
    """Return the pixels that are neither as bright nor as dark as what lies around them: those of a ramp."""
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    low, high = ~_highest(~grey, _RAMP_REACH), _highest(grey, _RAMP_REACH)
    margin = (high - low) * np.float32(0.25)
    between: Bools = (grey > low + margin) & (grey < high - margin)
    return between


def _toned(colours: Pixels, inside: Bools, tolerance: float) -> NDArray[np.int16]:
    """Return the number of each pixel's tone; no colour that counts is farther than about `tolerance` from its tone."""
    coarse = colours.astype(np.int32) >> (8 - _BITS)
    packed = (coarse[..., 0] << 2 * _BITS) | (coarse[..., 1] << _BITS) | coarse[..., 2]
    counts = np.bincount(packed[inside], minlength=1 << 3 * _BITS)
    used = np.nonzero(counts)[0]
    if not used.size:
        return np.zeros(packed.shape, np.int16)
    middles = np.stack([used >> 2 * _BITS, used >> _BITS & (1 << _BITS) - 1, used & (1 << _BITS) - 1], axis=1)
    lab = _lab(((middles << 8 - _BITS) + (1 << 7 - _BITS)).astype(np.uint8))
    tones = _palette(lab, counts[used], tolerance)
    table = np.zeros(1 << 3 * _BITS, np.int16)
    table[used] = _nearest(lab, tones)
    toned: NDArray[np.int16] = table[packed]
    return toned


def _palette(lab: Floats, counts: NDArray[np.intp], tolerance: float) -> Floats:
    """Take the commonest colour, then ever the farthest from all taken; then move each amid those nearest to it."""
    common = counts >= min(_LEAST / 8, counts.max())
    lab, counts = lab[common], counts[common]
    taken = [int(counts.argmax())]
    distance = np.linalg.norm(lab - lab[taken[0]], axis=1)
    while distance.max() > tolerance and len(taken) < _TONES_MAX:
        taken.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(lab - lab[taken[-1]], axis=1))
    tones = lab[taken]
    for _ in range(6):
        nearest = _nearest(lab, tones)
        weights = np.bincount(nearest, counts, len(tones))
        sums = np.stack([np.bincount(nearest, counts * lab[:, axis], len(tones)) for axis in range(3)], axis=1)
        tones = np.where(weights[:, None] > 0, sums / np.maximum(weights, 1)[:, None], tones).astype(np.float32)
    return tones


def _nearest(lab: Floats, tones: Floats) -> NDArray[np.intp]:
    # |a − b|² without |a|², which is the same for every b
    nearest: NDArray[np.intp] = ((tones**2).sum(axis=1) - 2 * lab @ tones.T).argmin(axis=1)
    return nearest


def _voted(tones: NDArray[np.int16], inside: Bools, settled: Bools) -> NDArray[np.int16]:
    """Give each pixel the tone that most settled ones around it have; smooths borders and takes specks away."""
    best = np.zeros(tones.shape, np.uint8)
    winner = tones.copy()
    for tone in np.unique(tones[inside]):
        votes = np.asarray(Image.fromarray(_grey((tones == tone) & settled)).filter(ImageFilter.GaussianBlur(_VOTES)))
        more = votes > best
        best[more], winner[more] = votes[more], tone
    return winner


def _in_families(voted: NDArray[np.int16], inside: Bools, colours: Pixels) -> _Tones:
    """Order the tones by what they cover, families of like ones first; what covers next to nothing joins its family."""
    numbers, places, sizes = np.unique(voted[inside], return_inverse=True, return_counts=True)
    seen = colours[inside].astype(np.float64)
    means = np.stack([np.bincount(places, seen[:, channel]) / sizes for channel in range(3)], axis=1)
    lab = _lab(means.round().astype(np.uint8))
    family = _nearest(lab, _palette(lab, sizes, _FAMILY))
    order = np.lexsort([-sizes, family, -np.bincount(family, sizes)[family]])
    kept = [tone for place, tone in enumerate(order) if sizes[tone] >= _LEAST or _leads(family[order], place)]
    rank = np.array([
        kept.index(tone) if tone in kept else kept.index(next(one for one in kept if family[one] == family[tone]))
        for tone in range(len(numbers))
    ])  # fmt: skip
    number = np.zeros(voted.shape, np.int16)
    number[inside] = rank[places]
    number[~inside] = -1
    firsts = np.array([family[tone] for tone in kept])
    return _Tones(number=number, family=np.cumsum(np.diff(firsts, prepend=firsts[0]) != 0))


def _leads(families: NDArray[np.intp], place: int) -> bool:
    return place == 0 or bool(families[place] != families[place - 1])


def _shade(places: Doubles, colours: Doubles) -> Shade | None:
    """Fit colours that run along a line, by least squares; None where they hardly change."""
    middle = places.mean(axis=0)
    design = np.column_stack([np.ones(len(places)), places - middle])
    mean, *slopes = np.linalg.lstsq(design, colours, rcond=None)[0]
    along = np.linalg.svd(np.array(slopes).T, full_matrices=False)[2][0]  # where the colour changes most
    slope = np.array(slopes).T @ along
    low, high = np.percentile((places - middle) @ along, [2, 98])
    if np.abs(slope * (high - low)).max() < _SHADE:
        return None
    start, end = ((middle + along * way) * UNITS for way in (low, high))
    return Shade(
        start=(float(start[0]), float(start[1])), end=(float(end[0]), float(end[1])),
        colours=(_colour(mean + slope * low), _colour(mean + slope * high)),
    )  # fmt: skip


def _curves(mask: Bools, speckle: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Trace a mask; yields each of its parts as a path, with the box of pixels it lies in: left, top, right, bottom."""
    import vtracer  # imported late: the studio starts without it

    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not rows.size:
        return
    top, left = int(rows[0]), int(columns[0])
    part = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 2)  # a shape may not touch the picture's rim
    buffer = io.BytesIO()
    Image.fromarray(255 - _grey(part)).convert("RGB").save(buffer, "PNG", compress_level=1)
    traced = vtracer.convert_raw_image_to_svg(buffer.getvalue(), img_format="png", filter_speckle=speckle, **_FIT)
    for words, x, y in _PATH.findall(traced):
        yield _compact(words, (float(x) + left - 2, float(y) + top - 2), mask.shape)


def _compact(words: str, place: Point, within: tuple[int, ...]) -> tuple[str, tuple[int, int, int, int]]:
    """Return a path in whole `UNITS`, each point told from the last one, and the box of pixels it lies in."""
    parts: list[str] = []
    ends: list[tuple[int, int]] = []
    last, letter = (0, 0), ""
    for command, given in _COMMAND.findall(words):
        numbers = [float(number) for number in given.split()]
        points = [
            (round((x + place[0]) * UNITS), round((y + place[1]) * UNITS))
            for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        ends += points
        size = 3 if command == "C" else 1
        for start in range(0, len(points), size):
            piece = points[start : start + size]
            origin = (0, 0) if command == "M" else last
            word = "M" if command == "M" else command.lower()
            parts.append(_told([value for x, y in piece for value in (x - origin[0], y - origin[1])], word, letter))
            last, letter = piece[-1], word
        if command == "Z":
            parts.append("z")
            letter = "z"
    box = np.array(ends) / UNITS
    (left, top), (right, bottom) = np.floor(box.min(axis=0)), np.ceil(box.max(axis=0))
    height, width = within[:2]
    return "".join(parts), (
        max(0, int(left)), max(0, int(top)), min(width, int(right) + 1), min(height, int(bottom) + 1),
    )  # fmt: skip


def _told(numbers: list[int], letter: str, before: str) -> str:
    """Write numbers as a path does: no blank before a minus, no letter where it is the same as before."""
    text = "".join(str(number) if number < 0 else f" {number}" for number in numbers)
    return text if letter == before and letter != "M" else letter + text.removeprefix(" ")


@functools.cache
def _to_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def _lab(colours: Pixels) -> Floats:
    """Return (n, 3) sRGB colours in CIELAB: L 0–100, a and b about −128–127."""
    transformed = ImageCms.applyTransform(Image.fromarray(colours[None]), _to_lab())
    stored = np.asarray(transformed)[0].astype(np.float32)
    lab: Floats = np.column_stack([stored[:, 0] / 2.55, (stored[:, 1:] + 128) % 256 - 128])
    return lab


def _wider(mask: Bools) -> Bools:
    return _highest(_grey(mask), _OVERLAP) > 0


def _grey(mask: Bools) -> Pixels:
    return np.where(mask, 255, 0).astype(np.uint8)


def _colour(values: NDArray[np.float64]) -> Colour:
    red, green, blue = np.clip(values, 0, 255).round().astype(int)
    return int(red), int(green), int(blue)
