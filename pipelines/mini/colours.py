"""Recolours drawings part by part: colours are grouped by hue, each group gets a new one, shading and dark lines stay.

Vector drawings are changed in their text; raster drawings pixel by pixel by the same rules.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# name → (hue in degrees or None for a neutral, saturation, lightness of the group's middle tone)
COLOURS: dict[str, tuple[float | None, float, float]] = {
    "red": (0, 0.75, 0.50),
    "orange": (28, 0.90, 0.55),
    "yellow": (48, 0.95, 0.58),
    "green": (125, 0.55, 0.42),
    "teal": (178, 0.65, 0.42),
    "blue": (215, 0.75, 0.52),
    "purple": (275, 0.55, 0.52),
    "pink": (335, 0.80, 0.72),
    "brown": (24, 0.50, 0.34),
    "white": (None, 0.08, 0.93),
    "grey": (None, 0.04, 0.58),
    "black": (None, 0.05, 0.17),
}
ALIKE = 60.0  # distance in RGB, 0–441, within which two colours of a palette are one
GREY = 0.62  # mean luminance of a sketch in greys
_HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")


@dataclass(frozen=True, kw_only=True)
class Recoloured:
    """A recoloured SVG and the names of the colours put in, the most used first."""

    svg: str
    colours: tuple[str, ...]


def _hls(colour: str) -> tuple[float, float, float]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return colorsys.rgb_to_hls(red, green, blue)


def _group(colour: str) -> int | None:
    """Return the hue sector (12 of 30°), 12 for light neutrals, 13 for mid greys; None for dark lines, which stay."""
    hue, lightness, saturation = _hls(colour)
    if lightness < 0.16 or (saturation < 0.2 and lightness < 0.35):
        return None
    if saturation < 0.15:
        return 12 if lightness > 0.8 else 13
    return int(((hue * 360 + 15) % 360) // 30)


def colour_groups(svg: str) -> list[list[str]]:
    """Return the drawing's fill colours grouped by hue sector, the most used first; dark line colours left out."""
    groups: dict[int, list[str]] = {}
    for colour in _HEX.findall(svg):
        sector = _group(colour)
        if sector is not None:
            groups.setdefault(sector, []).append(colour)
    merged = _merge_neighbours(groups)
    return sorted(merged, key=len, reverse=True)


def _merge_neighbours(groups: dict[int, list[str]]) -> list[list[str]]:
    """Join neighbouring hue sectors: the shades of one brown coat lie on both sides of a sector's border."""
    merged: list[list[str]] = []
    last = -2
    for sector in sorted(groups):
        if sector < 12 and sector == last + 1 and merged:
            merged[-1] += groups[sector]
        else:
            merged.append(list(groups[sector]))
        last = sector if sector < 12 else -2
    return merged


def recolour(svg: str, colours: tuple[str, ...], groups: list[list[str]] | None = None) -> Recoloured:
    """Give the i-th colour group of `svg` the i-th of `colours` (names of `COLOURS`); further groups stay."""
    groups = colour_groups(svg) if groups is None else groups
    table: dict[str, str] = {}
    for members, name in zip(groups, colours, strict=False):
        middle = float(np.median([_hls(member)[1] for member in members]))
        table |= {member: _shade(member, middle, name) for member in set(members)}
    new = _HEX.sub(lambda match: table.get(match.group(0), match.group(0)), svg)
    return Recoloured(svg=new, colours=colours[: len(groups)])


def _shade(colour: str, middle: float, name: str) -> str:
    """Return `name`'s colour, as much lighter or darker than its base as `colour` is than its group's middle."""
    hue, saturation, base = COLOURS[name]
    _, lightness, _ = _hls(colour)
    shade = float(np.clip(base + 0.75 * (lightness - middle), 0.08, 0.97))
    red, green, blue = colorsys.hls_to_rgb((hue or 0) / 360, shade, saturation)
    return "#" + "".join(f"{round(255 * value):02x}" for value in (red, green, blue))


def in_greys(picture: np.ndarray) -> np.ndarray:
    """Return a drawing [S, S, 4] without its colours: shades of the same mean whatever colour it had, lines and all.

    A sketch in greys leaves it to the words, or to a personal LoRA, which colours a thing has.
    """
    values, alpha = picture[..., :3].astype(np.float32) / 255, picture[..., 3:].astype(np.float32) / 255
    luminance = values @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    weight = alpha[..., 0]
    mean = float((luminance * weight).sum() / max(1e-6, weight.sum()))
    grey = np.clip(GREY + 0.8 * (luminance - mean), 0.04, 0.98)
    return np.concatenate([np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, axis=2), picture[..., 3:]], 2)


def raster_groups(picture: np.ndarray) -> list[NDArray[np.bool_]]:
    """Return masks [S, S] of a drawing's colour groups, the largest first; dark lines are in none."""
    hue, lightness, saturation = _hls_pixels(picture)
    seen = picture[..., 3] > 16
    lines = (lightness < 0.16) | ((saturation < 0.2) & (lightness < 0.35))
    # Chroma, not saturation: the shades of a white coat are almost grey, however saturated they count as.
    neutral = (saturation * (1 - np.abs(2 * lightness - 1)) < 0.16) & ~lines
    sector = (((hue * 360 + 15) % 360) // 30).astype(int)
    sector[neutral] = 12
    sector[lines | ~seen] = -1
    counts = np.bincount(sector[sector >= 0].ravel(), minlength=13)
    merged: list[list[int]] = []
    for number in np.flatnonzero(counts > 0.004 * max(1, seen.sum())):
        joins = merged and number < 12 and merged[-1][-1] == number - 1
        merged[-1].append(int(number)) if joins else merged.append([int(number)])
    masks = [np.isin(sector, numbers) for numbers in merged]
    return sorted((mask for mask in masks if mask.sum() > 0.03 * seen.sum()), key=lambda mask: -int(mask.sum()))


def recolour_pixels(
    picture: np.ndarray, colours: tuple[str, ...], groups: list[NDArray[np.bool_]] | None = None
) -> np.ndarray:
    """Give the i-th colour group of a raster drawing [S, S, 4] the i-th of `colours`; further groups stay."""
    wanted = [COLOURS[name] for name in colours]
    return _with_groups(picture, raster_groups(picture) if groups is None else groups, wanted)


def palette(picture: np.ndarray, most: int = 3, least: float = 1 / 16) -> tuple[str, ...]:
    """Return the main colours of a picture [H, W, 4] as ``#rrggbb``, the one that covers most first.

    Colours that are much alike count as one; what covers a smaller share of the opaque part than `least` is left out.
    """
    seen = picture[picture[..., 3] > 128][:, :3]
    if not len(seen):
        return ()
    strip = Image.fromarray(np.ascontiguousarray(seen[None]), "RGB").quantize(12, Image.Quantize.MEDIANCUT, kmeans=2)
    counts = np.bincount(np.asarray(strip).ravel(), minlength=12)
    table = np.array(strip.getpalette()[:36], np.float64).reshape(-1, 3)  # type: ignore[index]
    kept: list[tuple[np.ndarray, int]] = []
    for place in np.argsort(-counts[: len(table)]):
        near = [number for number, (colour, _) in enumerate(kept) if np.linalg.norm(colour - table[place]) < ALIKE]
        if near:
            colour, count = kept[near[0]]
            kept[near[0]] = (colour, count + int(counts[place]))
        elif counts[place]:
            kept.append((table[place], int(counts[place])))
    # Of a ginger dog with a white chest people say that it is ginger: colour counts more than white, grey and black.
    kept.sort(key=lambda entry: -entry[1] * (0.6 + 0.8 * float(np.ptp(entry[0])) / 255))
    shown = [colour for colour, count in kept if count >= least * len(seen)][:most]
    return tuple("#" + "".join(f"{round(value):02x}" for value in colour) for colour in shown)


def recolour_like(
    picture: np.ndarray, colours: Sequence[str], groups: list[NDArray[np.bool_]] | None = None
) -> np.ndarray:
    """Give the i-th colour group of a drawing [S, S, 4] the i-th of `colours` (``#rrggbb``), see `palette`."""
    wanted = []
    for colour in colours:
        hue, lightness, saturation = _hls(colour)
        wanted.append((360 * hue, saturation, lightness))
    return _with_groups(picture, raster_groups(picture) if groups is None else groups, wanted)


def _with_groups(
    picture: np.ndarray, groups: Sequence[NDArray[np.bool_]], wanted: Sequence[tuple[float | None, float, float]]
) -> np.ndarray:
    """Give each group the (hue in degrees, saturation, lightness) at its place; shading and further groups stay."""
    _, lightness, _ = _hls_pixels(picture)
    result = picture.copy()
    for mask, (hue, saturation, base) in zip(groups, wanted, strict=False):
        shade = np.clip(base + 0.75 * (lightness[mask] - float(np.median(lightness[mask]))), 0.08, 0.97)
        levels = np.array([colorsys.hls_to_rgb((hue or 0) / 360, v, saturation) for v in np.linspace(0, 1, 256)])
        result[..., :3][mask] = (255 * levels[(shade * 255).round().astype(int)]).round()
    return result


def _hls_pixels(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hue in 0–1, lightness and saturation of every pixel, each [S, S]."""
    values = picture[..., :3].astype(np.float32) / 255
    high, low = values.max(axis=2), values.min(axis=2)
    spread, lightness = high - low, (high + low) / 2
    saturation = np.where(spread > 0, spread / np.maximum(1e-6, 1 - np.abs(2 * lightness - 1)), 0).clip(0, 1)
    red, green, blue = np.moveaxis(values, 2, 0)
    safe = np.maximum(spread, 1e-6)
    turn = np.select(
        [high == red, high == green], [((green - blue) / safe) % 6, (blue - red) / safe + 2], (red - green) / safe + 4
    )
    return np.where(spread > 0, turn / 6, 0), lightness, saturation
