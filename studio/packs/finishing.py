"""From a picture to a sticker: clean edges, words, a white outline and a soft shadow on 512 × 512 pixels."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from studio.domain.stickers import EDGE, UNMOVED, Feeling
from studio.errors import InvalidInput
from studio.packs.edges import clean_edges, opaque_at_rim, rebuilt, resized, without_specks
from studio.packs.lettering import Lettering, letter
from studio.packs.marks import borne, marked

_OVERSAMPLING = 2
_OUTLINE = 10  # pixels of the finished sticker
_SMOOTH = 7  # gaps narrower than twice this are closed along the outline
_DUST = 6  # of 255: what is less is no gap
_GAP = 4  # half the width of a hole that is filled, in pixels of half a sticker
_SHADOW_BLUR, _SHADOW_DROP, _SHADOW_INK = 6, 5, (38, 26, 16, 92)
_MARGIN = 6
_BADGE = 0.2  # radius of the corners of a picture that has a ground of its own, as a share of its edge
_WORDS = 0.24  # height of the words as a share of the room
_OVERLAP = 0.26  # share of the lettering's height that lies over the subject


def finish(
    picture: Image.Image, *, outline: bool = True, shadow: bool = True, caption: str = "", feeling: Feeling = UNMOVED
) -> Image.Image:
    """Return a sticker, RGBA, 512 × 512 pixels, transparent around the subject; as `finish_large`."""
    return at_size(finish_large(picture, outline=outline, shadow=shadow, caption=caption, feeling=feeling))


def at_size(large: Image.Image) -> Image.Image:
    """Return a sticker of `finish_large` at 512 × 512 pixels."""
    return clean_transparent(resized(large, (EDGE, EDGE)))


def finish_large(
    picture: Image.Image, *, outline: bool = True, shadow: bool = True, caption: str = "", feeling: Feeling = UNMOVED
) -> Image.Image:
    """Return a sticker at twice its size, RGBA, 1024 × 1024 pixels, for what is resampled once more.

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
    words = letter(caption, room * _OVERSAMPLING, wrapped=_WORDS) if caption else None
    subject = marked(borne(_subject(picture), feeling.bearing), feeling.mark)
    composed = _compose(subject, words, room * _OVERSAMPLING)
    canvas = Image.new("RGBA", (EDGE * _OVERSAMPLING,) * 2)
    canvas.alpha_composite(composed, ((canvas.width - composed.width) // 2, (canvas.height - composed.height) // 2))
    if outline:
        canvas = _outlined(canvas)
    return _shaded(canvas) if shadow else canvas


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
    picture.thumbnail((EDGE * _OVERSAMPLING,) * 2)
    if opaque_at_rim(picture):
        return _badge(picture)
    cleaned = without_specks(clean_edges(picture))
    box = cleaned.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        raise InvalidInput("The picture is empty: everything in it is transparent. Draw another one.")
    return cleaned.crop(box)


def _badge(picture: Image.Image) -> Image.Image:
    edge = EDGE * _OVERSAMPLING
    square = resized(picture, (edge, edge))
    mask = Image.new("L", square.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, edge - 1, edge - 1), radius=edge * _BADGE, fill=255)
    opaque = Image.new("RGBA", square.size, "white")
    opaque.alpha_composite(square)
    opaque.putalpha(mask)
    return opaque


def _compose(subject: Image.Image, words: Lettering | None, room: int) -> Image.Image:
    """Put the subject, and the words under it, into a box of at most `room` pixels each way."""
    overlap = math.floor(words.height * _OVERLAP) if words else 0
    height = room - (words.height - overlap if words else 0)
    scale = min(room / subject.width, height / subject.height)
    size = (max(1, round(subject.width * scale)), max(1, round(subject.height * scale)))
    drawn = resized(subject, size)
    if words is None:
        return drawn
    whole = Image.new("RGBA", (max(drawn.width, words.width), drawn.height + words.height - overlap))
    whole.alpha_composite(drawn, ((whole.width - drawn.width) // 2, 0))
    whole.alpha_composite(words.picture, ((whole.width - words.width) // 2, drawn.height - overlap))
    return whole


def _outlined(picture: Image.Image) -> Image.Image:
    width, smooth = _OUTLINE * _OVERSAMPLING, _SMOOTH * _OVERSAMPLING
    spare = width + smooth  # the shape may grow over the canvas before it shrinks again
    solid = picture.getchannel("A").point(lambda alpha: (alpha - 96) * 4)  # a border is there or not
    alpha = ImageOps.expand(solid, spare)
    shape = ImageOps.crop(_eroded(_dilated(alpha, width + smooth), smooth), spare)
    shape = _without_gaps(shape)
    ground = Image.new("RGBA", picture.size, "white")
    ground.putalpha(ImageChops.lighter(shape, picture.getchannel("A")))
    ground.alpha_composite(picture)
    return ground


def _without_gaps(shape: Image.Image) -> Image.Image:
    """Fill what is enclosed and so narrow that it looks like dirt; found at a quarter of the size, which is quick."""
    small = shape.resize((EDGE // 2, EDGE // 2), Image.Resampling.BOX)
    open_ground = rebuilt(ImageChops.invert(small), _GAP)
    gaps = ImageChops.subtract(ImageChops.invert(open_ground), small)
    filled = gaps.point(lambda value: 255 if value > _DUST else 0)
    filled = filled.filter(ImageFilter.MaxFilter(5))  # their soft rims as well
    return ImageChops.lighter(shape, filled.resize(shape.size, Image.Resampling.BILINEAR))


def _shaded(picture: Image.Image) -> Image.Image:
    *ink, strength = _SHADOW_INK
    shape = ImageChops.offset(picture.getchannel("A"), 0, _SHADOW_DROP * _OVERSAMPLING)
    soft = shape.filter(ImageFilter.GaussianBlur(_SHADOW_BLUR * _OVERSAMPLING / 2))
    ground = Image.new("RGBA", picture.size, (*ink, 0))
    ground.putalpha(soft.point(lambda alpha: alpha * strength // 255))
    ground.alpha_composite(picture)
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
