"""From a picture to a sticker: clean edges, words, a white outline and a soft shadow on 512 × 512 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from studio.domain.stickers import EDGE, UNMOVED, Feeling
from studio.errors import InvalidInput
from studio.packs.edges import clean_edges, opaque_at_rim, rebuilt, resized, without_specks
from studio.packs.lettering import Lettering, letter
from studio.packs.marks import borne, marked

OVERSAMPLING = 2
_OUTLINE = 10  # pixels of the finished sticker
_SMOOTH = 7  # gaps narrower than twice this are closed along the outline
_DUST = 6  # of 255: what is less is no gap
_GAP = 4  # half the width of a hole that is filled, in pixels of half a sticker
WHITE, SHADOW_INK = (255, 255, 255), (38, 26, 16)
_SHADOW_BLUR, _SHADOW_DROP, _SHADOW_STRENGTH = 6, 5, 92
_MARGIN = 6
_BADGE = 0.2  # radius of the corners of a picture that has a ground of its own, as a share of its edge
_WORDS = 0.24  # height of the words as a share of the room
_OVERLAP = 0.26  # share of the lettering's height that lies over the subject


Place = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Layers:
    """A sticker before it is one picture, all at twice its size, 1024 × 1024 pixels.

    Attributes:
        drawn: the subject where it lies, RGBA.
        words: under the subject, and over its foot.
        words_at: the left and upper pixel of the words.
        shape: how opaque the white ground is that makes the outline; None: there is none.
        shadow: how opaque the shadow is; None: there is none.
    """

    drawn: Image.Image
    words: Lettering | None
    words_at: Place
    shape: Image.Image | None
    shadow: Image.Image | None

    def flat(self) -> Image.Image:
        """Return the layers as one RGBA picture, 1024 × 1024 pixels."""
        whole = _worded(self.drawn, self.words, self.words_at)
        for colour, alpha in (WHITE, self.shape), (SHADOW_INK, self.shadow):
            if alpha is not None:
                whole = Image.alpha_composite(_ground(colour, alpha), whole)
        return whole


def finish(
    picture: Image.Image, *, outline: bool = True, shadow: bool = True, caption: str = "", feeling: Feeling = UNMOVED
) -> Image.Image:
    """Return a sticker, RGBA, 512 × 512 pixels, transparent around the subject; as `layered`."""
    return at_size(layered(picture, outline=outline, shadow=shadow, caption=caption, feeling=feeling).flat())


def at_size(large: Image.Image) -> Image.Image:
    """Return a sticker that is larger at 512 × 512 pixels."""
    return clean_transparent(resized(large, (EDGE, EDGE)))


def layered(
    picture: Image.Image, *, outline: bool = True, shadow: bool = True, caption: str = "", feeling: Feeling = UNMOVED
) -> Layers:
    """Return what a sticker is made of, for what is resampled once more or drawn anew.

    Args:
        picture: RGBA of any size; one with a ground of its own becomes a badge with round corners.
        outline: a white border along the silhouette, 10 px.
        shadow: a soft shadow below.
        caption: words under the subject, on at most two lines.
        feeling: what the subject feels: signs around it, and how it carries itself.

    Raises:
        InvalidInput: the picture is empty, or the caption cannot be written or does not fit.
    """
    margin = _MARGIN + (_OUTLINE if outline else 0) + (_SHADOW_BLUR if shadow else 0)
    room = EDGE - 2 * margin
    words = letter(caption, room * OVERSAMPLING, wrapped=_WORDS) if caption else None
    subject = marked(borne(_subject(picture), feeling.bearing), feeling.mark)
    drawn, words_at = _composed(subject, words, room * OVERSAMPLING)
    alpha = _worded(drawn, words, words_at).getchannel("A")
    shape = ImageChops.lighter(_outline(alpha), alpha) if outline else None
    return Layers(
        drawn=drawn, words=words, words_at=words_at, shape=shape, shadow=_shadow(shape or alpha) if shadow else None
    )


def check_caption(caption: str) -> None:
    """Raise `InvalidInput` unless `caption` can be written under a sticker with outline and shadow."""
    letter(caption, EDGE - 2 * (_MARGIN + _OUTLINE + _SHADOW_BLUR), wrapped=_WORDS)


def clean_transparent(picture: Image.Image) -> Image.Image:
    """Return the RGBA picture with white under what nobody sees, so that nothing hides there and files stay small."""
    pixels = np.array(picture)
    pixels[pixels[..., 3] == 0] = (255, 255, 255, 0)
    return Image.fromarray(pixels)


def _subject(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    picture.thumbnail((EDGE * OVERSAMPLING,) * 2)
    if opaque_at_rim(picture):
        return _badge(picture)
    cleaned = without_specks(clean_edges(picture))
    box = cleaned.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        raise InvalidInput("The picture is empty: everything in it is transparent. Draw another one.")
    return cleaned.crop(box)


def _badge(picture: Image.Image) -> Image.Image:
    edge = EDGE * OVERSAMPLING
    square = resized(picture, (edge, edge))
    mask = Image.new("L", square.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, edge - 1, edge - 1), radius=edge * _BADGE, fill=255)
    opaque = Image.new("RGBA", square.size, "white")
    opaque.alpha_composite(square)
    opaque.putalpha(mask)
    return opaque


def _composed(subject: Image.Image, words: Lettering | None, room: int) -> tuple[Image.Image, Place]:
    """Put the subject, with room for the words under it, amid the canvas; also returns where the words go."""
    overlap = math.floor(words.height * _OVERLAP) if words else 0
    below = words.height - overlap if words else 0
    scale = min(room / subject.width, (room - below) / subject.height)
    drawn = resized(subject, (max(1, round(subject.width * scale)), max(1, round(subject.height * scale))))
    width = max(drawn.width, words.width if words else 0)
    edge = EDGE * OVERSAMPLING
    left, top = (edge - width) // 2, (edge - drawn.height - below) // 2
    canvas = Image.new("RGBA", (edge, edge))
    canvas.alpha_composite(drawn, (left + (width - drawn.width) // 2, top))
    return canvas, (left + (width - words.width) // 2 if words else left, top + drawn.height - overlap)


def _worded(drawn: Image.Image, words: Lettering | None, place: Place) -> Image.Image:
    if words is None:
        return drawn
    worded = drawn.copy()
    worded.alpha_composite(words.picture, place)
    return worded


def _outline(silhouette: Image.Image) -> Image.Image:
    """Return the silhouette grown by the outline, its gaps closed."""
    width, smooth = _OUTLINE * OVERSAMPLING, _SMOOTH * OVERSAMPLING
    spare = width + smooth  # the shape may grow over the canvas before it shrinks again
    solid = silhouette.point(lambda alpha: (alpha - 96) * 4)  # a border is there or not
    alpha = ImageOps.expand(solid, spare)
    shape = ImageOps.crop(_eroded(_dilated(alpha, width + smooth), smooth), spare)
    return _without_gaps(shape)


def _without_gaps(shape: Image.Image) -> Image.Image:
    """Fill what is enclosed and so narrow that it looks like dirt; found at a quarter of the size, which is quick."""
    small = shape.resize((EDGE // 2, EDGE // 2), Image.Resampling.BOX)
    open_ground = rebuilt(ImageChops.invert(small), _GAP)
    gaps = ImageChops.subtract(ImageChops.invert(open_ground), small)
    filled = gaps.point(lambda value: 255 if value > _DUST else 0)
    filled = filled.filter(ImageFilter.MaxFilter(5))  # their soft rims as well
    return ImageChops.lighter(shape, filled.resize(shape.size, Image.Resampling.BILINEAR))


def _shadow(silhouette: Image.Image) -> Image.Image:
    shape = ImageChops.offset(silhouette, 0, _SHADOW_DROP * OVERSAMPLING)
    soft = shape.filter(ImageFilter.GaussianBlur(_SHADOW_BLUR * OVERSAMPLING / 2))
    return soft.point(lambda alpha: alpha * _SHADOW_STRENGTH // 255)


def _ground(colour: tuple[int, int, int], alpha: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", alpha.size, colour)
    ground.putalpha(alpha)
    return ground


def _dilated(shape: Image.Image, radius: int) -> Image.Image:
    """Grow an alpha channel by a disc of `radius` pixels."""
    grown = np.asarray(shape)
    padded = np.pad(grown, radius)
    height, width = grown.shape
    result = grown
    for x, y in _ring(radius):
        result = np.maximum(result, padded[radius + y : radius + y + height, radius + x : radius + x + width])
    # the ring reaches its own radius only; the shape and its smaller growths fill the rest
    inner = radius // 2
    return Image.fromarray(result) if inner < 2 else ImageChops.lighter(Image.fromarray(result), _dilated(shape, inner))


def _eroded(shape: Image.Image, radius: int) -> Image.Image:
    return ImageChops.invert(_dilated(ImageChops.invert(shape), radius))


def _ring(radius: int) -> list[tuple[int, int]]:
    steps = max(16, math.ceil(math.tau * radius))
    angles = (math.tau * step / steps for step in range(steps))
    return sorted({(round(radius * math.cos(angle)), round(radius * math.sin(angle))) for angle in angles})
