"""A sticker as SVG: its layers as paths, 512 units each way, with nothing in it but shapes, shades and a title."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape

from studio import fonts
from studio.domain.stickers import EDGE
from studio.errors import InvalidInput
from studio.packs.finishing import OVERSAMPLING, SHADOW_INK, WHITE, Layers
from studio.packs.lettering import FONT, INK, Lettering
from studio.packs.tracing import UNITS, Colour, Drawing, Grain, Shade, Shape, silhouette

_GRAINS = (
    Grain(tolerance=8, speckle=4),
    Grain(tolerance=11, speckle=4),
    Grain(tolerance=15, speckle=5),
    Grain(tolerance=22, speckle=8),
    Grain(tolerance=32, speckle=12),
    Grain(tolerance=48, speckle=24),
)
_SCALE = 1 / (OVERSAMPLING * UNITS)  # from the units of the paths to those of the sticker
_RINGS = 8  # equally strong silhouettes, one upon another, that make a soft shadow without a filter


def svg(layers: Layers, title: str, limit: int) -> bytes:
    """Draw a sticker as SVG of at most `limit` bytes, as finely as that allows.

    Words are the outlines of their letters and sharp at any size; everything else is traced. The shadow is made of
    eight shapes and not of a filter, which programs that cut or print do not know.

    Args:
        layers: of the sticker.
        title: the sticker in words, for those who listen.
        limit: in bytes.

    Raises:
        InvalidInput: it does not fit however coarse it is.
    """
    below = _below(layers)
    words = _words(layers.words, layers.words_at) if layers.words else ""
    border = silhouette(layers.drawn.getchannel("A"))
    drawing = Drawing(layers.drawn)
    for grain in _GRAINS:
        data = _document(title, below + _clipped(drawing.shapes(grain), border) + words)
        if len(data) <= limit:
            return data
    raise InvalidInput(
        f"A sticker cannot be drawn as SVG in less than {limit} bytes: it is too rich in detail. Leave it out."
    )


def _document(title: str, inside: str) -> bytes:
    said = escape("".join(character for character in title if character.isprintable()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {EDGE} {EDGE}" role="img"><title>{said}</title>'
        f"{inside}</svg>\n"
    ).encode()


def _below(layers: Layers) -> str:
    paths = ""
    if layers.shadow is not None:
        strongest = layers.shadow.getextrema()[1]
        strength = 1 - (1 - strongest / 255) ** (1 / _RINGS)  # type: ignore[operator]
        rings = [silhouette(layers.shadow, round(strongest * (ring + 0.5) / _RINGS)) for ring in range(_RINGS)]  # type: ignore[operator]
        drawn = "".join(f'<path d="{ring}"/>' for ring in rings if ring)
        paths += f'<g fill="{_hex(SHADOW_INK)}" fill-opacity="{strength:.4f}">{drawn}</g>'
    if layers.shape is not None:
        paths += f'<path fill="{_hex(WHITE)}" d="{silhouette(layers.shape)}"/>'
    return f'<g transform="scale({_SCALE:g})">{paths}</g>' if paths else ""


def _clipped(shapes: Sequence[Shape], border: str) -> str:
    """Return the shapes within their silhouette, so that every one of them ends on the very same border."""
    # several stickers may stand in one page, where names must not be taken twice
    name = f"k{zlib.crc32(repr((border, shapes)).encode()):08x}"
    shades: list[str] = []
    paths = ""
    for shape in shapes:
        if isinstance(shape.fill, Shade):
            fill = f"url(#{name}-{len(shades)})"
            shades.append(_gradient(shape.fill, f"{name}-{len(shades)}"))
        else:
            fill = _hex(shape.fill)
        paths += f'<path fill="{fill}" d="{shape.path}"/>'
    return (
        f'<defs><clipPath id="{name}"><path d="{border}"/></clipPath>{"".join(shades)}</defs>'
        f'<g transform="scale({_SCALE:g})" clip-path="url(#{name})">{paths}</g>'
    )


def _gradient(shade: Shade, name: str) -> str:
    (x1, y1), (x2, y2) = shade.start, shade.end
    first, last = map(_hex, shade.colours)
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" '
        f'y2="{y2:.0f}"><stop stop-color="{first}"/><stop offset="1" stop-color="{last}"/></linearGradient>'
    )


def _words(words: Lettering, place: tuple[int, int]) -> str:
    """Return the letters' outlines: all rims, then all letters."""
    paths = "".join(
        fonts.outline(
            line.text, FONT, ((line.x + place[0]) / OVERSAMPLING, (line.y + place[1]) / OVERSAMPLING),
            words.size / OVERSAMPLING,
        )
        for line in words.lines
    )  # fmt: skip
    white, rim = _hex(WHITE), 2 * words.rim / OVERSAMPLING
    return (
        f'<path fill="{white}" stroke="{white}" stroke-width="{rim:g}" stroke-linejoin="round" d="{paths}"/>'
        f'<path fill="{_hex(INK)}" d="{paths}"/>'
    )


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
