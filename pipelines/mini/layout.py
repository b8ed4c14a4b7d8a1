"""Lays drawings out as a scene: who wears what, who stands beside whom, and where; corpus and sketches share it.

A `Figure` is a picture cut to its content together with where those are that somebody asks for. Figures are built from
the inside out (a hat on a head, a rider on a mount, companions side by side) and then put into a setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Rgb = tuple[int, int, int]
SUBJECT = 0  # among the masks of a figure
HAT, LEAST_HAT = 1.2, 0.24  # width of a hat: in shares of the head, and at least of the figure's longer edge
EDGE = 192  # figures are built with about this longer edge, and made smaller when they are put into a setting


@dataclass(frozen=True, kw_only=True)
class Place:
    """How a place looks: the sky from top to bottom, the ground, and what stands there (names of drawings)."""

    sky: tuple[Rgb, Rgb]
    ground: Rgb | None
    props: tuple[str, ...] = ()
    specks: Rgb | None = None
    disc: tuple[Rgb, float, float, float] | None = None  # colour, x, y, radius in shares of the edge


PLACES: dict[str, Place] = {
    "in a meadow": Place(sky=((150, 210, 250), (222, 243, 255)), ground=(124, 194, 92), props=("deciduous tree",)),
    "at the beach": Place(
        sky=((120, 200, 245), (204, 237, 250)), ground=(244, 222, 168), props=("palm tree",),
        disc=((255, 232, 140), 0.82, 0.16, 0.09),
    ),
    "in the snow": Place(
        sky=((186, 208, 232), (230, 240, 249)), ground=(249, 251, 254), props=("evergreen tree", "evergreen tree"),
        specks=(255, 255, 255),
    ),
    "at night": Place(
        sky=((14, 20, 58), (46, 54, 114)), ground=(32, 38, 74), specks=(255, 250, 220),
        disc=((250, 240, 200), 0.8, 0.18, 0.1),
    ),
    "at sunset": Place(
        sky=((240, 120, 84), (254, 208, 124)), ground=(122, 72, 92), disc=((255, 240, 180), 0.5, 0.66, 0.17)
    ),
    "under water": Place(sky=((64, 172, 218), (16, 84, 154)), ground=(216, 196, 140), specks=(190, 230, 250)),
    "in a forest": Place(
        sky=((196, 226, 214), (226, 242, 222)), ground=(92, 148, 84),
        props=("evergreen tree", "deciduous tree", "evergreen tree"),
    ),
    "in the desert": Place(
        sky=((250, 214, 150), (255, 238, 200)), ground=(232, 186, 116), props=("cactus",),
        disc=((255, 250, 220), 0.2, 0.18, 0.09),
    ),
    "in space": Place(sky=((12, 10, 38), (48, 28, 92)), ground=None, props=("ringed planet",), specks=(255, 250, 235)),
}  # fmt: skip
GROUNDS: dict[str, Rgb] = {
    "white": (255, 255, 255),
    "yellow": (253, 216, 80),
    "pink": (250, 190, 205),
    "blue": (120, 180, 240),
    "green": (160, 215, 150),
    "purple": (190, 165, 230),
    "red": (226, 92, 88),
    "black": (28, 28, 32),
    "orange": (252, 172, 92),
    "teal": (120, 204, 198),
    "grey": (200, 202, 208),
}
# mount → how deep its rider sits in it, as a share of the mount's height
MOUNTS: dict[str, float] = {
    "skateboard": 0.45, "sled": 0.5, "bicycle": 0.55, "motor scooter": 0.5, "horse": 0.3, "elephant": 0.25,
    "rocket": 0.45, "cloud": 0.5, "flying saucer": 0.75, "dinosaur": 0.3, "unicorn": 0.3, "turtle": 0.3, "whale": 0.3,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a figure's head is, in pixels: the middle of its top, and how wide it is there."""

    x: float
    top: float
    width: float


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture cut to its content, RGBA, and where those are that somebody asks for: L of the same size, by number.

    Attributes:
        picture: the figure.
        masks: where those are that somebody asks for.
        head: where its head is, where that is known; None: its outline has to tell, see `head_of`.
    """

    picture: Image.Image
    masks: Mapping[int, Image.Image] = field(default_factory=dict)
    head: Head | None = None

    @classmethod
    def of(
        cls,
        picture: Image.Image | np.ndarray,
        subject: bool = False,
        head: tuple[float, float, float] | None = None,
    ) -> Self:
        """Cut a drawing to its content and bring its longer edge to `EDGE`.

        Args:
            picture: RGBA.
            subject: whether it is asked for, as `SUBJECT`.
            head: the middle of its head's top, from the left and from above, and the head's width, in shares of the
                picture's width, height and width; None: not known.
        """
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture.convert("RGBA")
        box = image.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox() or (0, 0, *image.size)
        scale = EDGE / max(box[2] - box[0], box[3] - box[1])
        found = None
        if head is not None:
            x, top, width = head[0] * image.width - box[0], head[1] * image.height - box[1], head[2] * image.width
            found = Head(x=x * scale, top=top * scale, width=width * scale)
        image = image.crop(box)
        figure = cls(_resized(image, (round(image.width * scale), round(image.height * scale))), head=found)
        return figure.asked_for(SUBJECT) if subject else figure

    @property
    def mask(self) -> Image.Image:
        """Where the subject is."""
        return self.masks.get(SUBJECT) or Image.new("L", self.picture.size)

    def asked_for(self, number: int) -> Self:
        """Return the figure with a mask of all of it."""
        return type(self)(self.picture, {number: self.picture.getchannel("A")}, self.head)

    def resized(self, width: float, height: float) -> Self:
        """Return the figure at another size in pixels."""
        size = (max(2, round(width)), max(2, round(height)))
        across, down = size[0] / self.picture.width, size[1] / self.picture.height
        head = self.head and Head(x=self.head.x * across, top=self.head.top * down, width=self.head.width * across)
        return self._changed(
            _resized(self.picture, size), lambda mask: mask.resize(size, Image.Resampling.BILINEAR), head
        )

    def scaled(self, factor: float) -> Self:
        """Return the figure `factor` times as large."""
        return self.resized(self.picture.width * factor, self.picture.height * factor)

    def tilted(self, angle: float) -> Self:
        """Return the figure turned by some degrees, its canvas grown to hold it."""
        turned = self.picture.convert("RGBa").rotate(angle, Image.Resampling.BICUBIC, expand=True).convert("RGBA")
        head = None
        if self.head is not None:
            x, y = self.head.x - self.picture.width / 2, self.head.top - self.picture.height / 2
            cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            x, y = x * cosine + y * sine, y * cosine - x * sine  # y points down, angles go against the clock
            head = Head(x=x + turned.width / 2, top=y + turned.height / 2, width=self.head.width)
        return self._changed(turned, lambda mask: mask.rotate(angle, Image.Resampling.BILINEAR, expand=True), head)

    def mirrored(self) -> Self:
        """Return the figure seen in a mirror."""
        flip = Image.Transpose.FLIP_LEFT_RIGHT
        head = self.head and Head(x=self.picture.width - self.head.x, top=self.head.top, width=self.head.width)
        return self._changed(self.picture.transpose(flip), lambda mask: mask.transpose(flip), head)

    def _changed(self, picture: Image.Image, change: Callable[[Image.Image], Image.Image], head: Head | None) -> Self:
        return type(self)(picture, {number: change(mask) for number, mask in self.masks.items()}, head)


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    size = (max(1, size[0]), max(1, size[1]))
    # premultiplied: otherwise the colour of transparent pixels bleeds into the edge
    return picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _stacked(placed: Sequence[tuple[Figure, float, float]]) -> Figure:
    """Lay figures over each other, the first at the bottom, each with its left upper corner; cut to what they cover."""
    left, top = min(x for _, x, _ in placed), min(y for _, _, y in placed)
    width = max(x + figure.picture.width for figure, x, _ in placed) - left
    height = max(y + figure.picture.height for figure, _, y in placed) - top
    canvas = Image.new("RGBA", (round(width) + 1, round(height) + 1))
    masks: dict[int, Image.Image] = {}
    for figure, x, y in placed:
        corner = (round(x - left), round(y - top))
        canvas.alpha_composite(figure.picture, corner)
        for mask in masks.values():
            mask.paste(0, (*corner, corner[0] + figure.picture.width, corner[1] + figure.picture.height),
                       figure.picture.getchannel("A"))  # fmt: skip
        for number, own in figure.masks.items():
            masks.setdefault(number, Image.new("L", canvas.size)).paste(255, corner, own)
    return Figure(canvas, masks)


def head_of(figure: Figure) -> Head:
    """Find a figure's head by its outline: where its highest broad part begins.

    An ear's tip or an antenna is not broad. A raised tail or a hump is, and then only `Figure.head` tells.
    """
    alpha = np.asarray(figure.picture.getchannel("A")) > 100
    rows = alpha.sum(axis=1)
    broad = np.flatnonzero(rows > 0.22 * rows.max())
    top = int(broad[0]) if len(broad) else 0
    band = alpha[top : top + max(3, alpha.shape[0] // 6)]
    columns = band.sum(axis=0)
    x = float(np.average(np.arange(alpha.shape[1]), weights=columns + 1e-6))
    seen = np.flatnonzero(columns > 0)
    return Head(x=x, top=float(top), width=float(np.ptp(seen)) if len(seen) else alpha.shape[1] / 2)


def wearing(figure: Figure, hat: Figure, rng: np.random.Generator) -> Figure:
    """Put a hat on a figure's head; a small head's hat is larger than it, so that it can be told what hat it is."""
    if figure.head is not None:
        head, width = figure.head, max(HAT * figure.head.width, LEAST_HAT * max(figure.picture.size))
    else:
        head = head_of(figure)
        width = float(np.clip(0.8 * head.width, 0.3 * figure.picture.width, 0.56 * figure.picture.width))
    hat = hat.scaled(width / hat.picture.width).tilted(float(rng.uniform(-6, 6)))
    return _stacked(
        [(figure, 0, 0), (hat, head.x - hat.picture.width / 2, head.top - hat.picture.height * rng.uniform(0.76, 0.84))]
    )


def riding(figure: Figure, mount: Figure, depth: float) -> Figure:
    """Seat a figure on a mount, `depth` of the mount's height deep."""
    mount = mount.scaled(1.15 * EDGE / max(mount.picture.size))
    figure = figure.scaled(0.8)
    x = (mount.picture.width - figure.picture.width) / 2
    return _stacked([(mount, 0, 0), (figure, x, depth * mount.picture.height - figure.picture.height)])


def beside(figure: Figure, others: Sequence[Figure], rng: np.random.Generator) -> Figure:
    """Stand one or two smaller companions beside a figure, on the same ground."""
    base = max(figure.picture.size)
    placed: list[tuple[Figure, float, float]] = [(figure, 0.0, 0.0)]
    left = bool(rng.random() < 0.5)
    for place, other in enumerate(others):
        small = other.scaled(base * float(rng.uniform(0.5, 0.6)) / max(other.picture.size))
        gap = -0.04 * base
        on_left = left != bool(place % 2)
        x = -small.picture.width - gap if on_left else figure.picture.width + gap
        placed.append((small, x, figure.picture.height - small.picture.height + 0.02 * base))
    return _stacked(placed)


def in_a_row(figures: Sequence[Figure], rng: np.random.Generator) -> Figure:
    """Stand figures of about the same size side by side on the same ground, the first at the left."""
    placed: list[tuple[Figure, float, float]] = []
    x = 0.0
    for figure in figures:
        size = EDGE * float(rng.uniform(0.9, 1.0)) / max(figure.picture.size)
        equal = figure.scaled(size)
        placed.append((equal, x, EDGE - equal.picture.height + EDGE * float(rng.uniform(-0.02, 0.02))))
        x += equal.picture.width + 0.03 * EDGE
    return _stacked(placed)


def several(figure: Figure, count: int, rng: np.random.Generator) -> Figure:
    """Repeat a figure `count` times, every second one mirrored, in rows of at most three."""
    placed: list[tuple[Figure, float, float]] = []
    columns = min(count, 3)
    for place in range(count):
        copy = figure.mirrored() if place % 2 else figure
        copy = copy.scaled(float(rng.uniform(0.86, 1.0)))
        row, column = divmod(place, columns)
        shift = 0.5 * row if count % columns else 0.0
        placed.append((copy, (column + shift) * 0.86 * EDGE, row * 0.8 * EDGE + EDGE - copy.picture.height))
    return _stacked(placed)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who and what is in a scene, as figures; `peers` stand beside the subject, as large as it is."""

    subject: Figure
    peers: tuple[Figure, ...] = ()
    hat: Figure | None = None
    mount: tuple[Figure, float] | None = None
    companions: tuple[Figure, ...] = ()
    count: int = 1
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where a scene is: a place of `PLACES` with the drawings that stand there, a plain colour, or nowhere."""

    place: str | None = None
    props: tuple[Figure, ...] = ()
    ground: str | None = None


@dataclass(frozen=True, kw_only=True)
class Layered:
    """A composed picture: RGBA uint8 [S, S, 4], and the masks of its figures uint8 [S, S] by their numbers."""

    picture: np.ndarray
    masks: Mapping[int, np.ndarray]

    @property
    def mask(self) -> np.ndarray:
        """Where the subject is; nowhere where nobody asked for it."""
        return self.masks.get(SUBJECT, np.zeros(self.picture.shape[:2], np.uint8))


def compose(cast: Cast, setting: Setting, size: int, rng: np.random.Generator) -> Layered:
    """Compose a scene; the same generator state gives the same layout whatever the subject looks like.

    Args:
        cast: who is in it.
        setting: where it is.
        size: edge in pixels.
        rng: draws what is left open: positions, sizes, tilts, on which side a companion stands.
    """
    numbers = rng.random(6)
    group = cast.subject
    if cast.hat is not None:
        group = wearing(group, cast.hat, np.random.default_rng(int(numbers[0] * 2**32)))
    if cast.mount is not None:
        group = riding(group, *cast.mount)
    if cast.count > 1:
        group = several(group, cast.count, np.random.default_rng(int(numbers[1] * 2**32)))
    if cast.peers:
        group = in_a_row((group, *cast.peers), np.random.default_rng(int(numbers[2] * 2**32)))
    if cast.companions:
        group = beside(group, cast.companions, np.random.default_rng(int(numbers[2] * 2**32)))
    canvas = _background(setting, size, np.random.default_rng(int(numbers[3] * 2**32)))
    opaque = setting.place is not None or setting.ground is not None
    reach = (0.74 if setting.place else 0.82) if opaque else 0.96
    reach *= cast.scale * (1 - (0.12 if opaque else 0.05) * numbers[4])
    group = group.scaled(reach * size / max(group.picture.size))
    slack = size - group.picture.width
    x = slack / 2 + (numbers[5] - 0.5) * 0.4 * max(0.0, slack)
    centred = (size - group.picture.height) / 2
    y = 0.93 * size - group.picture.height if setting.place and setting.place != "in space" else centred
    masks = {number: Image.new("L", (size, size)) for number in group.masks}
    for number, mask in masks.items():
        mask.paste(group.masks[number], (round(x), round(y)))
    if setting.place and PLACES[setting.place].ground is not None:
        _shadow(canvas, group, x, y)
    sheet = Image.new("RGBA", (size, size))
    sheet.paste(group.picture, (round(x), round(y)))
    canvas.alpha_composite(sheet)
    return Layered(picture=np.asarray(canvas), masks={number: np.asarray(mask) for number, mask in masks.items()})


def _shadow(canvas: Image.Image, group: Figure, x: float, y: float) -> None:
    """Lay a soft shadow under the feet: without it things float."""
    size = canvas.width
    width, foot = group.picture.width, y + group.picture.height
    layer = Image.new("L", canvas.size)
    ImageDraw.Draw(layer).ellipse((x + 0.06 * width, foot - 0.045 * size, x + 0.94 * width, foot + 0.025 * size), 70)
    layer = layer.filter(ImageFilter.GaussianBlur(size * 0.012))
    canvas.paste((20, 24, 40), (0, 0), layer)


def _background(setting: Setting, size: int, rng: np.random.Generator) -> Image.Image:
    if setting.place is not None:
        return place_picture(setting.place, setting.props, size, rng)
    if setting.ground is not None:
        return Image.new("RGBA", (size, size), (*GROUNDS[setting.ground], 255))
    return Image.new("RGBA", (size, size))


def place_picture(name: str, props: Sequence[Figure], size: int, rng: np.random.Generator) -> Image.Image:
    """Draw the place `name` of `PLACES`, opaque, with some drawings standing in it."""
    place, edge = PLACES[name], 2 * size  # drawn large and averaged, so that edges are smooth
    ramp = np.linspace(0, 1, edge)[:, None]
    sky = (np.array(place.sky[0]) * (1 - ramp) + np.array(place.sky[1]) * ramp).astype(np.uint8)
    picture = Image.fromarray(np.repeat(sky[:, None, :], edge, axis=1)).convert("RGBA")
    brush = ImageDraw.Draw(picture)
    if place.disc is not None:
        colour, x, y, radius = place.disc
        x = 1 - x if rng.random() < 0.5 else x
        brush.ellipse([edge * v for v in (x - radius, y - radius, x + radius, y + radius)], (*colour, 255))
    if place.specks is not None:
        for _ in range(16):
            x, y, radius = rng.uniform(0, edge), rng.uniform(0, 0.72 * edge), edge * rng.uniform(0.004, 0.011)
            brush.ellipse((x - radius, y - radius, x + radius, y + radius), (*place.specks, 255))
    horizon = edge * float(rng.uniform(0.68, 0.78))
    if place.ground is not None:
        far = tuple(
            round(0.86 * value + 0.14 * sky_value) for value, sky_value in zip(place.ground, place.sky[1], strict=True)
        )
        brush.ellipse((-edge * 0.8, horizon - edge * 0.035, edge * 1.1, edge * 2), (*far, 255))
    picture = picture.resize((size, size), Image.Resampling.BOX)
    sides = rng.permutation([0.13, 0.87, 0.34, 0.68])
    for prop, side in zip(props, sides, strict=False):
        _stand(picture, prop, float(side), horizon / edge, place.ground is None, rng)
    if place.ground is not None:
        front = Image.new("RGBA", (edge, edge))
        ImageDraw.Draw(front).ellipse((-edge * 0.5, horizon, edge * 1.5, edge * 2.2), (*place.ground, 255))
        picture.alpha_composite(front.resize((size, size), Image.Resampling.BOX))
    return picture


def _stand(
    picture: Image.Image, prop: Figure, x: float, horizon: float, floats: bool, rng: np.random.Generator
) -> None:
    size = picture.width
    small = prop.scaled(size * float(rng.uniform(0.3, 0.42)) / max(prop.picture.size)).picture
    y = 0.2 * size - small.height / 2 if floats else (horizon + 0.05) * size - small.height
    sheet = Image.new("RGBA", picture.size)
    sheet.paste(small, (round(x * size - small.width / 2), round(y)))
    picture.alpha_composite(sheet)
