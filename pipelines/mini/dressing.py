"""Gives the drawing of a class the look of a person's own thing as its personal LoRA expects it, or of their taste.

Drawn from pure noise, the colours that a LoRA carries come out blotchy. But already the first look of the adapted model
at pure noise is the mean of what it would draw, E[x₀ | sketch, words, LoRA]: too vague for a picture, and just right to
read off it which colour belongs where. Each colour group of the drawing gets the colour expected at its place, cleared
up by the colours that the thing's photos really have (its coat); the picture is then drawn after that drawing.

How much of this a drawing gets is hybrid-model guidance at pure noise, where it can do without the empty prompt:
b₁ + s·(p₁ − b₁), b₁ the colours that the base model gives the class and p₁ those that the personal one expects.

The tokens of a taste (`pipelines.pigeon.conditioning`) are asked in the same way; they have no coat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.references import COAT_COLOURS
from pipelines.lab import from_lab, to_lab
from pipelines.lora import COAT, LoraFactors, RowLora
from pipelines.mini.colours import in_greys, raster_groups, recolour_like
from pipelines.pigeon.conditioning import Taste, taste_conditions

if TYPE_CHECKING:
    from pipelines.mini.pipeline_mini import MiniPipeline

LOOKS = 4  # samples of pure noise that the expectation is averaged over
# How near a colour of the coat is to an expected one: a mean is duller than what it is a mean of, and photos have shade
# on them, so lightness counts little and vivid colours come first.
LIGHTNESS_COUNTS, VIVID_FIRST = 0.25, 0.3
FULL = 0.7  # position of the dial from which a drawing has the whole look; below it goes over to that of its class
# Of a shaded yellow toy people say that it is yellow: from this chroma on a colour is vivid, its darker and duller
# neighbours in hue (degrees) are its shade, and it is as light as in its light.
VIVID, SHADE_HUE, SHADE_CHROMA = 60.0, 25.0, 35.0
LIGHT_FROM, LIGHT_WHOLLY = 45.0, 65.0  # chroma from which the photos tell how light a colour is, and do so alone
# The coat's colours are to cover a drawing about as they cover the thing: all that is worn in other shares costs as
# much as this distance in CIELAB. Shares are guessed, each colour covers `NEXT` of what the one before it does.
# Chosen on 30 individuals of the training split and ten photo subjects; half or twice as much is about as good.
IN_SHARES, NEXT = 40.0, 0.65
TOGETHER = 5  # of the largest parts choose together; smaller ones take what is nearest
ALIKE = 18.0  # distance in CIELAB within which a part is left as it is drawn: its shades are finer than one colour


def pull_of(fidelity: float) -> float:
    """Return how far, 0–1, a drawing goes from the colours of its class to those of the thing."""
    return min(1.0, fidelity / FULL)


def dressed(
    drawing: NDArray[np.uint8], expected: NDArray[np.uint8], coat: Sequence[str], pull: float = 1.0
) -> NDArray[np.uint8]:
    """Return a drawing in the colours that are expected at its places.

    Args:
        drawing: RGBA [S, S, 4].
        expected: the vague picture of it, RGB or RGBA [S, S, 3 or 4].
        coat: colours (``#rrggbb``) of the thing's photos, the main one first; hues are taken from these, and lightness
            from `expected` where that is lighter or the colour is not vivid. Without any, hues are as expected.
        pull: 0 leaves the drawing as it is, 1 gives it these colours, in between lies the way there in CIELAB.

    Returns:
        RGBA [S, S, 4], lines and shading as in `drawing`.
    """
    groups = raster_groups(drawing)
    labs = np.array([to_lab(np.median(expected[..., :3][group], axis=0)) for group in groups])
    meant = labs
    if coat and groups:
        worn = to_lab([_rgb(colour) for colour in coat[:COAT_COLOURS]])  # a file may claim any number
        areas = np.array([group.sum() for group in groups], float)
        named, picks = named_colours(worn), _picks(_unlikeness(worn, labs), areas / areas.sum())
        meant = np.array([_coloured(named[pick], lab[0]) for pick, lab in zip(picks, labs, strict=True)])
    result = drawing
    for group, seen, lab in zip(groups, labs, meant, strict=True):
        drawn = to_lab(np.median(drawing[..., :3][group], axis=0))
        if np.linalg.norm(seen - drawn) < ALIKE:
            continue
        gone = from_lab(drawn + pull * (lab - drawn))
        result = recolour_like(result, ["#" + "".join(f"{round(value):02x}" for value in gone)], [group])
    return result


def named_colours(worn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each colour the one that somebody would name instead: of a vivid colour's shade, that colour.

    A vivid colour stands for what is darker and of nearly its hue: for vivid neighbours always, and for dull ones too
    where it is the main colour; else they may well be something else, brown fur beside a red collar. With a neighbour
    that is lighter and about as vivid it becomes one, half way between.

    Args:
        worn: CIELAB [N, 3], the main one first.

    Returns:
        CIELAB [N, 3].
    """
    chroma, hue = np.linalg.norm(worn[:, 1:], axis=1), np.degrees(np.arctan2(worn[:, 2], worn[:, 1]))
    result, named = worn.copy(), np.zeros(len(worn), bool)
    for place in np.argsort(-chroma):
        if chroma[place] < VIVID or named[place]:
            continue
        near = np.abs((hue - hue[place] + 180) % 360 - 180) < SHADE_HUE
        shade = near & (worn[:, 0] <= worn[place, 0]) & ((chroma >= SHADE_CHROMA) | (place == 0))
        light = near & (worn[:, 0] > worn[place, 0]) & (chroma >= 0.75 * chroma[place])
        both = worn[place]
        if light.any():
            both = (both + worn[light][worn[light, 0].argmax()]) / 2
        meant = (shade | light) & ~named
        result[meant], named[meant] = both, True
    return result


def _coloured(colour: NDArray[np.float64], lightness: float) -> NDArray[np.float64]:
    """Return a colour of the coat as light as is expected, or as it is itself, the more so the more vivid it is."""
    share = np.interp(np.linalg.norm(colour[1:]), (LIGHT_FROM, LIGHT_WHOLLY), (0.0, 1.0))
    return np.array([lightness + share * max(0.0, colour[0] - lightness), *colour[1:]])


def _rgb(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _unlikeness(worn: NDArray[np.float64], labs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how little each colour of the coat [K] is what is expected of each part [G], as [G, K]."""
    apart = np.abs(worn[None] - labs[:, None])
    hues, vivid = np.linalg.norm(apart[..., 1:], axis=2), np.linalg.norm(worn[:, 1:], axis=1)
    unlike: NDArray[np.float64] = hues + LIGHTNESS_COUNTS * apart[..., 0] - VIVID_FIRST * vivid
    return unlike


def _picks(unlike: NDArray[np.float64], areas: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which colour of the coat each part wears.

    Expected colours are means and dull, and one by one all parts would take the coat's dull colours. So the largest
    parts choose together, and a choice costs more the less its colours cover the drawing as they cover the thing.

    Args:
        unlike: of every part and colour, see `_unlikeness`, [G, K].
        areas: of the parts, largest first, sum 1, [G].
    """
    picks, colours = unlike.argmin(axis=1), unlike.shape[1]
    together = min(TOGETHER, len(areas))
    ways = np.stack(np.meshgrid(*[np.arange(colours)] * together, indexing="ij"), axis=-1).reshape(-1, together)
    shares = NEXT ** np.arange(colours)
    smaller = np.bincount(picks[together:], areas[together:], colours).astype(float)
    covered = np.tile(smaller, (len(ways), 1))
    for part in range(together):
        covered[np.arange(len(ways)), ways[:, part]] += areas[part]
    off = np.abs(covered - shares / shares.sum()).sum(axis=1) / 2
    costs = (areas[:together] * unlike[np.arange(together), ways]).sum(axis=1) + IN_SHARES * off
    picks[:together] = ways[costs.argmin()]
    return picks


Adapted = Callable[[Tensor], AbstractContextManager]
"""Adapts the denoiser to a thing while the context is open, for rows with these scales [N]."""


class AdaptedDresser:
    """Dresses drawings for one thing; what it has dressed once it remembers.

    Args:
        pipeline: whose denoiser is adapted.
        adapted: how it is adapted to the thing.
        coat: colours of the thing, see `dressed`.
        fidelity: 0 (as its class is drawn) to 1; from `FULL` on drawings get its whole look.
    """

    def __init__(self, pipeline: MiniPipeline, adapted: Adapted, coat: Sequence[str], fidelity: float = 1.0) -> None:
        self._pipeline, self._adapted, self._coat, self._pull = pipeline, adapted, coat, pull_of(fidelity)
        self._known: dict[tuple[bytes, str], NDArray[np.uint8]] = {}

    def __call__(self, drawing: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
        """Return the drawing [S, S, 4], S the pipeline's native size, with the look of the thing.

        Args:
            drawing: of the thing's class.
            words: that call the class and the drawing's style, as a prompt would.
        """
        key = (drawing.tobytes(), words)
        if key not in self._known:
            self._known[key] = dressed(drawing, self._expected(drawing, words), self._coat, self._pull)
        return self._known[key]

    def _told(self, rows: Tensor) -> dict[str, Any]:
        """Return what the denoiser is told of these rows beside text and sketch."""
        return {}

    @torch.no_grad()
    def _expected(self, drawing: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
        pipeline = self._pipeline
        hidden = pipeline.encode_prompt([words], [None])
        sketch = pipeline.encode_sketches([Image.fromarray(in_greys(drawing))])
        noise = pipeline.prepare_latents(LOOKS, range(LOOKS))
        conditions: dict[str, Any] = {
            name: value.expand(LOOKS, *value.shape[1:]) for name, value in hidden.items() if name != "sketch"
        }
        rows = torch.cat([noise, sketch.to(noise).expand(LOOKS, -1, -1, -1)], dim=1).to(pipeline.unet.dtype)
        steps = torch.full((LOOKS,), float(pipeline.scheduler.config.num_train_timesteps), device=noise.device)
        conditions |= self._told(rows)
        with self._adapted(torch.ones(LOOKS, device=noise.device)):
            velocity = pipeline.unet(rows, steps, **conditions).sample.float()
        mean = (noise - velocity).mean(dim=0, keepdim=True)
        return np.asarray(pipeline.decode(mean, upscale=False)[0].resize(drawing.shape[1::-1]))


class Dresser(AdaptedDresser):
    """Dresses drawings for one LoRA.

    Args:
        pipeline: whose denoiser the LoRA adapts.
        lora: of the thing, with its coat in the metadata.
        fidelity: as of `AdaptedDresser`.
    """

    def __init__(self, pipeline: MiniPipeline, lora: LoraFactors, fidelity: float = 1.0) -> None:
        coat = lora.metadata.get(COAT, "").split()
        super().__init__(pipeline, partial(RowLora, pipeline.unet, lora.layers), coat, fidelity)


class TasteDresser(AdaptedDresser):
    """Dresses drawings as somebody's taste would have them.

    Args:
        pipeline: whose denoiser the layers of the taste belong to.
        taste: of one picture.
    """

    def __init__(self, pipeline: MiniPipeline, taste: Taste) -> None:
        super().__init__(pipeline, lambda _: taste.attention, ())
        self._taste = taste

    def _told(self, rows: Tensor) -> dict[str, Any]:
        return taste_conditions(self._taste.told.to(rows).expand(len(rows), -1, -1))
