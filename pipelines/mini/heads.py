"""Finds the head of what a cut-out shows, so that a hat goes there and not onto a raised tail or an ear's tip.

Each patch of CLIP's view is asked by one linear probe how much of it belongs to a head (without ears, muzzle and hair
that hangs down); where most of the answers are is the head. The probe was fitted on drawings of the library alone, see
`pipelines.mini.training.heads`; photos it never saw.

Shape legend: T = 196 patches (14 × 14, row by row), D = 768.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.hyperlora.references import TokenEncoder

CELLS, EDGE, FILL = 14, 224, 0.88  # patches along an edge; pixels; share of the edge that a subject fills
COVERED = 0.3  # share of a patch from which on it belongs to the subject
SURE = 0.27  # mean answer of the patches around the surest one, from which on there is a head
_STRETCH = 3**0.5  # half the width of an even distribution, in standard deviations
Frame = tuple[float, float, float]  # left, top, edge in pixels of the picture


def framed(picture: Image.Image) -> tuple[Image.Image, Frame]:
    """Return a picture [EDGE, EDGE] with what is opaque in its middle, and the square that it shows."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox() or (0, 0, *picture.size)
    edge = max(box[2] - box[0], box[3] - box[1]) / FILL
    left, top = (box[0] + box[2] - edge) / 2, (box[1] + box[3] - edge) / 2
    around = (math.floor(left), math.floor(top), math.ceil(left + edge), math.ceil(top + edge))
    inner = (left - around[0], top - around[1], left - around[0] + edge, top - around[1] + edge)
    crop = picture.convert("RGBa").crop(around)
    shown = crop.resize((EDGE, EDGE), Image.Resampling.BICUBIC, box=inner).convert("RGBA")
    return shown, (left, top, edge)


def patches(shown: Image.Image, encoder: TokenEncoder) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the patches of a framed picture [T, D], each of mean 0 and variance 1, and which show something [T]."""
    tokens = np.asarray(encoder.tokens([shown])[0, 1:], np.float32)
    tokens = tokens - tokens.mean(axis=1, keepdims=True)
    cover = np.asarray(shown.getchannel("A").resize((CELLS, CELLS), Image.Resampling.BOX), np.float32) / 255
    return tokens / (tokens.std(axis=1, keepdims=True) + 1e-5), cover.ravel() > COVERED


@dataclass(frozen=True, eq=False)
class HeadProbe:
    """Says of each patch how much of it, 0–1, is a head: weights [D] and an offset."""

    weights: NDArray[np.float32]
    offset: float

    @classmethod
    def read(cls, file: Path) -> HeadProbe:
        """Read what `write` wrote."""
        entries = json.loads(file.read_text(encoding="utf-8"))
        return cls(np.array(entries["weights"], np.float32), float(entries["offset"]))

    def write(self, file: Path) -> None:
        """Write the probe as JSON, with as many digits as count."""
        entries = {"weights": [float(f"{value:.4g}") for value in self.weights], "offset": round(self.offset, 5)}
        file.write_text(json.dumps(entries) + "\n", encoding="utf-8")

    def answers(self, tokens: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return how much of each patch is a head [CELLS, CELLS], 0 where nothing is opaque."""
        found: NDArray[np.float32] = np.where(seen, tokens @ self.weights + self.offset, 0).clip(0, 1)
        return found.reshape(CELLS, CELLS)


class HeadFinder:
    """Finds heads; what it has found once it remembers, for cut-outs are few and shown again and again.

    Args:
        encoder: opens the image encoder; called for the first cut-out.
        probe: of that encoder's patches.
    """

    def __init__(self, encoder: Callable[[], TokenEncoder], probe: HeadProbe) -> None:
        self._open, self._probe = encoder, probe
        self._known: dict[bytes, tuple[float, float, float] | None] = {}

    def __call__(self, cutout: Image.Image) -> tuple[float, float, float] | None:
        """Return the middle of a head's top, from the left and from above, and its width, in shares of the cut-out.

        Args:
            cutout: RGBA.

        Returns:
            None where there seems to be no head.
        """
        shown, frame = framed(cutout)
        key = shown.tobytes()
        if key not in self._known:
            self._known[key] = self._found(shown, frame, cutout.size)
        return self._known[key]

    @cached_property
    def _encoder(self) -> TokenEncoder:
        return self._open()

    def _found(self, shown: Image.Image, frame: Frame, size: tuple[int, int]) -> tuple[float, float, float] | None:
        box = head_box(self._probe.answers(*patches(shown, self._encoder)))
        if box is None:
            return None
        left, top, edge = frame
        scale = edge / CELLS
        x, y = left + (box[0] + box[2]) / 2 * scale, top + box[1] * scale
        return x / size[0], y / size[1], (box[2] - box[0]) * scale / size[0]


def head_box(answers: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    """Return left, top, right, bottom of the head, in patches.

    It is the even rectangle of the same mean and spread as the answers around the surest place.

    Args:
        answers: [CELLS, CELLS] in 0–1.
    """
    padded = np.pad(answers, 1)
    smooth = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).mean(axis=(2, 3))
    surest = np.unravel_index(smooth.argmax(), smooth.shape)
    if smooth[surest] < SURE:
        return None
    weights = np.where(_around((int(surest[0]), int(surest[1])), smooth >= 0.5 * smooth[surest]), answers, 0)
    middles = np.arange(CELLS) + 0.5
    (left, right), (top, bottom) = (_span(weights.sum(axis=axis), middles) for axis in (0, 1))
    return left, top, right, bottom


def _span(weights: NDArray[np.floating], places: NDArray[np.floating]) -> tuple[float, float]:
    mean = float(np.average(places, weights=weights))
    half = _STRETCH * float(np.average((places - mean) ** 2, weights=weights) + 1 / 12) ** 0.5
    return mean - half, mean + half


def _around(place: tuple[int, int], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of a mask that hangs together with a place in it."""
    found, waiting = np.zeros_like(mask), [place]
    while waiting:
        row, column = waiting.pop()
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and mask[row, column] and not found[row, column]:
            found[row, column] = True
            waiting += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return found
