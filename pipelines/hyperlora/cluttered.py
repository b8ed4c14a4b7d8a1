"""References as an imperfect cut-out leaves them: with a rim and scraps of the ground, and with bits missing.

What a matting network makes of a photo is never the drawing's own outline. The hypernetwork meets such cut-outs last in
its curriculum (`PairSampler.opens`), so that it learns not to take the ground's colours for the thing's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FloatMap = NDArray[np.float32]

_ROOM = 0.15  # around the subject, in shares of the longer edge: where scraps of the ground may lie
_SHIFT = 0.04  # of the outline, in shares of the longer edge
_SCRAPS = 3
_SCRAP_EDGES = (0.06, 0.18)  # radii, in shares of the longer edge


def cut_from_clutter(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a cut-out as matting might have left it, had the thing stood before some ground.

    Args:
        picture: RGBA; the subject is what is opaque.
        rng: draws the ground, how the outline is missed, and the scraps.

    Returns:
        RGBA, with a little more room around it. Most of the subject is always there.
    """
    placed = _with_room(picture)
    width, height = placed.size
    subject = np.asarray(placed.getchannel("A"), np.float32) / np.float32(255)
    colours = np.asarray(placed.convert("RGBa"), np.float32)[..., :3]
    behind = _ground((height, width), rng)
    shown = colours + behind * (1 - subject[..., None])
    matte = np.maximum(_missed(subject, rng), _scraps(subject, rng))
    values = np.concatenate([shown.clip(0, 255), 255 * matte[..., None]], axis=2)
    return Image.fromarray(values.round().astype(np.uint8), "RGBA")


def _with_room(picture: Image.Image) -> Image.Image:
    margin = round(_ROOM * max(picture.size))
    placed = Image.new("RGBA", (picture.width + 2 * margin, picture.height + 2 * margin))
    placed.paste(picture.convert("RGBA"), (margin, margin))
    return placed


def _ground(shape: tuple[int, int], rng: np.random.Generator) -> FloatMap:
    """Return a ground [H, W, 3] in 0–255: two colours that go over into each other in soft patches, with some grain."""
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    share = 1 / (1 + np.exp(-3 * _patches(shape, rng.uniform(2, 6), rng)))
    mixed: FloatMap = first + share[..., None] * (second - first)
    return (mixed + rng.normal(0, 6, (*shape, 1))).astype(np.float32)


def _missed(subject: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Return the subject's matte [H, W] with its outline shifted here outwards and there inwards."""
    radius = max(1.0, rng.uniform(0.2, 1) * _SHIFT * max(subject.shape))
    soft = np.asarray(
        Image.fromarray((255 * subject).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)), np.float32
    )
    wanders = rng.uniform(0.1, 0.3) * _patches(subject.shape, 6, rng) + rng.uniform(-0.05, 0.2)
    edge: FloatMap = np.clip((soft / 255 - (0.5 - wanders.clip(-0.35, 0.4))) * 6 + 0.5, 0, 1).astype(np.float32)
    return edge


def _scraps(subject: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Return up to three round scraps of the ground [H, W] that lie at the subject's edge; often there are none."""
    found = np.zeros_like(subject)
    ys, xs = np.nonzero(subject > 0.5)
    if not len(ys):
        return found
    rows, columns = np.ogrid[: subject.shape[0], : subject.shape[1]]
    longer = max(subject.shape)
    centre = np.array([ys.mean(), xs.mean()])
    for _ in range(int(rng.integers(0, _SCRAPS + 1))):
        place = rng.integers(len(ys))
        outwards = centre + 1.1 * (np.array([ys[place], xs[place]]) - centre)
        radius = rng.uniform(*_SCRAP_EDGES) * longer * rng.uniform(0.4, 1)
        distance = np.hypot(rows - outwards[0], columns - outwards[1])
        found = np.maximum(found, np.clip(radius - distance, 0, 1).astype(np.float32))
    return found


def _patches(shape: tuple[int, int], cells: float, rng: np.random.Generator) -> FloatMap:
    """Return smooth noise [H, W] of mean 0 and variance 1, about `cells` patches across."""
    coarse = rng.normal(0, 1, (max(2, round(cells)),) * 2).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse, "F").resize(shape[::-1], Image.Resampling.BICUBIC))
    even: FloatMap = ((smooth - smooth.mean()) / (smooth.std() + 1e-6)).astype(np.float32)
    return even
