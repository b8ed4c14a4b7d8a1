"""From pictures of a subject to the tokens that the hypernetwork reads.

Shape legend: N pictures, T = 50 tokens (one for the whole picture, 7 × 7 for its parts), D = 832 values each:
768 of the frozen encoder, and the part's own 4 × 4 RGBA pixels, for the encoder was trained to forget exact colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.mini.colours import palette

GRID = 7
CELL = 4
TOKEN_COUNT = 1 + GRID * GRID
LOOK_DIM = 768  # of the encoder's half of a token
TOKEN_DIM = LOOK_DIM + CELL * CELL * 4
EDGE = 224
MARGIN = 0.06
ALPHA_SEEN = 8
COAT_COLOURS = 6  # at most


class TokenEncoder(Protocol):
    """A frozen image encoder such as `pipelines.features.image_encoders.ClipVisionEncoder`."""

    def tokens(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return [N, 197, 768]: the class token, then 14 × 14 patches row by row."""


class NoSubject(ValueError):
    """A reference picture without anything opaque in it."""


def frame_subject(cutout: Image.Image) -> Image.Image:
    """Crop a cut-out to its subject and centre it, with a small margin, in a transparent 224 × 224 square.

    Args:
        cutout: RGBA, or an opaque picture, which then is the subject as a whole.

    Raises:
        NoSubject: nothing in the picture is opaque.
    """
    rgba = cutout.convert("RGBA")
    box = rgba.getchannel("A").point(lambda alpha: 255 if alpha >= ALPHA_SEEN else 0).getbbox()
    if box is None:
        raise NoSubject(f"The cut-out of {rgba.width} × {rgba.height} pixels is wholly transparent: no subject in it.")
    subject = rgba.crop(box).convert("RGBa")  # premultiplied, so that hidden colours do not bleed in
    scale = EDGE * (1 - 2 * MARGIN) / max(subject.size)
    size = (max(1, round(subject.width * scale)), max(1, round(subject.height * scale)))
    square = Image.new("RGBA", (EDGE, EDGE))
    fitted = subject.resize(size, Image.Resampling.BICUBIC).convert("RGBA")
    square.paste(fitted, ((EDGE - size[0]) // 2, (EDGE - size[1]) // 2))
    return square


def coat_of(cutouts: Sequence[Image.Image]) -> tuple[str, ...]:
    """Return the main colours of a subject over all its cut-outs, see `pipelines.mini.colours.palette`."""
    seen = [np.asarray(frame_subject(cutout).resize((96, 96))) for cutout in cutouts]
    return palette(np.concatenate(seen), COAT_COLOURS)


def look_of(tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the subject of encoded pictures [N, T, D] looks like: their mean class token, [768]."""
    look: NDArray[np.float32] = tokens[:, 0, :LOOK_DIM].mean(axis=0)
    return look


def reference_tokens(cutouts: Sequence[Image.Image], encoder: TokenEncoder) -> NDArray[np.float32]:
    """Encode pictures of a subject.

    Args:
        cutouts: N pictures, RGBA.
        encoder: gives the encoder's half of each token.

    Returns:
        float32 [N, T, D].

    Raises:
        NoSubject: a picture is wholly transparent.
    """
    framed = [frame_subject(cutout) for cutout in cutouts]
    return np.concatenate([_pool(encoder.tokens(framed)), np.stack([_pixels(image) for image in framed])], axis=2)


def _pool(tokens_NTD: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average 14 × 14 patches to 7 × 7 and normalise each token to mean 0 and variance 1."""
    patches = tokens_NTD[:, 1:].reshape(-1, GRID, 2, GRID, 2, tokens_NTD.shape[-1]).mean(axis=(2, 4))
    pooled = np.concatenate([tokens_NTD[:, :1], patches.reshape(len(tokens_NTD), GRID * GRID, -1)], axis=1)
    centred = pooled - pooled.mean(axis=-1, keepdims=True)
    normal: NDArray[np.float32] = centred / (centred.std(axis=-1, keepdims=True) + 1e-5)
    return normal


def _pixels(framed: Image.Image) -> NDArray[np.float32]:
    """Return [T, 64]: premultiplied colours in −1…1 (0 where transparent) and alpha, whole picture first."""
    whole = _values(framed, CELL).reshape(1, -1)
    small = _values(framed, GRID * CELL).reshape(GRID, CELL, GRID, CELL, 4)
    return np.concatenate([whole, small.transpose(0, 2, 1, 3, 4).reshape(GRID * GRID, -1)])


def _values(image: Image.Image, edge: int) -> NDArray[np.float32]:
    small = np.asarray(image.convert("RGBa").resize((edge, edge), Image.Resampling.BOX), np.float32) / 255
    colour, alpha = small[..., :3], small[..., 3:]
    return np.concatenate([2 * colour - alpha, alpha], axis=-1)
