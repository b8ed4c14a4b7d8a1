"""Edges without a fringe: what stands half-transparent at the border takes the colour of the subject behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

Floats = NDArray[np.float32]
_NOISE, _SOLID = 10, 246  # alpha below is nothing, above is all of it, 0–255
_GHOST = 170  # what is nowhere more opaque than this is no part of the subject
_LOOK = 256  # pixels of the picture in which spots and holes are looked for
_REACH = 6  # passes that carry a colour outwards, one pixel each


def clean_edges(picture: Image.Image) -> Image.Image:
    """Return the RGBA picture with quiet alpha and border colours taken from inside.

    A model's (or a matting's) border pixels are mixtures of the subject with whatever lay behind it, which shows
    as a light fringe on dark ground and a dark one on light ground. Border pixels keep their alpha; their colour
    is replaced by the average of solid ones nearby, carried outwards pixel by pixel.
    """
    pixels = np.asarray(picture.convert("RGBA"))
    alpha = _quiet(pixels[..., 3])
    colours = pixels[..., :3].astype(np.float32)
    inside = _inside(alpha)
    if not inside.any():
        return Image.fromarray(np.dstack([pixels[..., :3], alpha]))
    spread = _spread(colours, inside.astype(np.float32))
    mixed = np.where((inside | (alpha > _SOLID))[..., None], colours, spread)
    border = (alpha > _SOLID) & ~inside  # solid, but still touched by what lay behind
    mixed = np.where(border[..., None], 0.5 * colours + 0.5 * spread, mixed)
    return Image.fromarray(np.dstack([np.clip(mixed, 0, 255).round().astype(np.uint8), alpha]))


def without_specks(picture: Image.Image) -> Image.Image:
    """Return the RGBA picture without loose spots and ghosts around the subject, and without pinholes in it.

    A spot is thinner than a thirtieth of the picture; a ghost is nowhere more than two thirds opaque.
    """
    alpha = picture.getchannel("A")
    small = alpha.copy()
    small.thumbnail((_LOOK, _LOOK), Image.Resampling.BOX)  # what is looked for is coarse, and large pictures are slow
    reach = max(1, round(max(small.size) / 64))
    kept = rebuilt(small, reach)
    filled = ImageChops.invert(rebuilt(ImageChops.invert(kept), max(1, reach // 2)))
    alpha = ImageChops.subtract(alpha, _mask(ImageChops.subtract(small, kept), alpha.size))
    cleaned = picture.copy()
    cleaned.putalpha(ImageChops.lighter(alpha, _mask(ImageChops.subtract(filled, kept), alpha.size)))
    return cleaned


def _mask(found: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return where something was found, a pixel wider and as large as the picture."""
    there = found.point(lambda value: 255 if value > _NOISE else 0).filter(ImageFilter.MaxFilter(3))
    return there.resize(size, Image.Resampling.BILINEAR)


def rebuilt(alpha: Image.Image, reach: int) -> Image.Image:
    """Open an alpha channel by reconstruction: what survives an erosion by `reach` pixels grows back, all of it."""
    core = alpha.filter(ImageFilter.MinFilter(2 * reach + 1))
    grown = np.asarray(core.point(lambda value: value if value > _GHOST else 0))
    limit = np.asarray(alpha)
    while True:
        next_grown = np.minimum(_wider(grown), limit)
        if np.array_equal(next_grown, grown):
            return Image.fromarray(grown)
        grown = next_grown


def _wider(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grow by one pixel each way; many times faster than Pillow's rank filter."""
    padded = np.pad(alpha, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    grown: NDArray[np.uint8] = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return grown


def resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale an RGBA picture with colours weighted by alpha; enlarged edges are drawn sharp again."""
    scaled = picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    factor = size[0] / picture.width
    if factor > 1.2:  # a border one pixel wide has become `factor` wide
        gain = max(1.0, min(factor, 4.0) * 0.75)
        scaled.putalpha(scaled.getchannel("A").point(lambda alpha: round((alpha - 127.5) * gain + 127.5)))
    return scaled


def opaque_at_rim(picture: Image.Image) -> bool:
    """Say whether the picture is a full rectangle rather than a cut-out: most of its rim is opaque."""
    alpha = np.asarray(picture.getchannel("A"))
    rim = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return bool((rim > 200).mean() > 0.6)


def _quiet(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    stretched = (alpha.astype(np.float32) - _NOISE) * (255 / (_SOLID - _NOISE))
    quiet: NDArray[np.uint8] = np.clip(stretched, 0, 255).round().astype(np.uint8)
    return quiet


def _inside(alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the solid pixels that touch no border; all solid ones where the shape is thinner than that."""
    solid = Image.fromarray(np.where(alpha > _SOLID, 255, 0).astype(np.uint8))
    inner = np.asarray(solid.filter(ImageFilter.MinFilter(3))) > 0
    near = np.asarray(Image.fromarray((inner * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(7))) > 0
    return inner | ((np.asarray(solid) > 0) & ~near)


def _spread(colours: Floats, weights: Floats) -> Floats:
    """Carry the colours where `weights` is 1 outwards; what lies farther than `_REACH` gets their mean."""
    known = weights[..., None]
    filled = colours * known
    mean = filled.sum(axis=(0, 1)) / known.sum()
    for _ in range(_REACH):
        total, count = _around(filled * known), _around(known)
        fresh = (known == 0) & (count > 0)
        filled = np.where(fresh, total / np.maximum(count, 1e-6), filled)
        known = np.where(fresh, np.float32(1), known)
    return np.where(known > 0, filled, mean).astype(np.float32)


def _around(values: Floats) -> Floats:
    """Return the sum over each pixel and its eight neighbours."""
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total: Floats = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return total
