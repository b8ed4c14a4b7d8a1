"""Gives the drawing of a class the look of a person's own thing, as its personal LoRA expects it.

Drawn from pure noise, the colours that a LoRA carries come out blotchy. But already the first look of the adapted model
at pure noise is the mean of what it would draw, E[x₀ | sketch, words, LoRA]: too vague for a picture, and just right to
read off it which colour belongs where. Each colour group of the drawing gets the colour expected at its place, cleared
up by the colours that the thing's photos really have (its coat); the picture is then drawn after that drawing.

How much of this a drawing gets is hybrid-model guidance at pure noise, where it can do without the empty prompt:
b₁ + s·(p₁ − b₁), b₁ the colours that the base model gives the class and p₁ those that the personal one expects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pipelines.lab import from_lab, to_lab
from pipelines.lora import COAT, LoraFactors, RowLora
from pipelines.mini.colours import in_greys, raster_groups, recolour_like

if TYPE_CHECKING:
    from pipelines.mini.pipeline_mini import MiniPipeline

LOOKS = 4  # samples of pure noise that the expectation is averaged over
# How near a colour of the coat is to an expected one: a mean is duller than what it is a mean of, and photos have shade
# on them, so lightness counts little and vivid colours come first.
LIGHTNESS_COUNTS, VIVID_FIRST = 0.25, 0.3
FULL = 0.7  # position of the dial from which a drawing has the whole look; below it goes over to that of its class
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
        coat: colours (``#rrggbb``) of the thing's photos; hues are taken from these, lightness from `expected`. Without
            any, hues are as expected.
        pull: 0 leaves the drawing as it is, 1 gives it these colours, in between lies the way there in CIELAB.

    Returns:
        RGBA [S, S, 4], lines and shading as in `drawing`.
    """
    worn = to_lab([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in coat]) if coat else None
    result = drawing
    for group in raster_groups(drawing):
        lab = to_lab(np.median(expected[..., :3][group], axis=0))
        drawn = to_lab(np.median(drawing[..., :3][group], axis=0))
        if np.linalg.norm(lab - drawn) < ALIKE:
            continue
        if worn is not None:
            lab[1:] = _nearest(worn, lab)[1:]
        lab = drawn + pull * (lab - drawn)
        result = recolour_like(result, ["#" + "".join(f"{round(value):02x}" for value in from_lab(lab))], [group])
    return result


def _nearest(worn: NDArray[np.float64], lab: NDArray[np.float64]) -> NDArray[np.float64]:
    hues = np.linalg.norm(worn[:, 1:] - lab[1:], axis=1)
    vivid = np.linalg.norm(worn[:, 1:], axis=1)
    found: NDArray[np.float64] = worn[
        (hues + LIGHTNESS_COUNTS * np.abs(worn[:, 0] - lab[0]) - VIVID_FIRST * vivid).argmin()
    ]
    return found


class Dresser:
    """Dresses drawings for one LoRA; what it has dressed once it remembers.

    Args:
        pipeline: whose denoiser the LoRA adapts.
        lora: of the thing, with its coat in the metadata.
        fidelity: 0 (as its class is drawn) to 1; from `FULL` on drawings get its whole look.
    """

    def __init__(self, pipeline: MiniPipeline, lora: LoraFactors, fidelity: float = 1.0) -> None:
        self._pipeline, self._lora, self._pull = pipeline, lora, pull_of(fidelity)
        self._coat = lora.metadata.get(COAT, "").split()
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

    @torch.no_grad()
    def _expected(self, drawing: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
        pipeline = self._pipeline
        hidden = pipeline.encode_prompt([words], [None])
        sketch = pipeline.encode_sketches([Image.fromarray(in_greys(drawing))])
        noise = pipeline.prepare_latents(LOOKS, range(LOOKS))
        conditions = {name: value.expand(LOOKS, *value.shape[1:]) for name, value in hidden.items() if name != "sketch"}
        rows = torch.cat([noise, sketch.to(noise).expand(LOOKS, -1, -1, -1)], dim=1).to(pipeline.unet.dtype)
        steps = torch.full((LOOKS,), float(pipeline.scheduler.config.num_train_timesteps), device=noise.device)
        with RowLora(pipeline.unet, self._lora.layers, torch.ones(LOOKS, device=noise.device)):
            velocity = pipeline.unet(rows, steps, **conditions).sample.float()
        mean = (noise - velocity).mean(dim=0, keepdim=True)
        return np.asarray(pipeline.decode(mean, upscale=False)[0].resize(drawing.shape[1::-1]))
