"""What DreamBooth and textual inversion see of a thing: what a refinement sees, as the hypernetwork's rows are shown.

Cut-outs are laid out in every style, straight and in the mirror; half of the rows show the base the same without its
colours, the others in its main colours. The drawings of the class are shown likewise.

Shape legend: M rows, B of a batch, C latent channels, h × w latent size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.losses import diffusion_loss, draw_noise_levels
from pipelines.hyperlora.own_views import PRIOR, own_captions, own_views
from pipelines.mini.colours import in_greys
from pipelines.mini.training.loop import attention_kernel

# as in the recipe of the hypernetwork that is compared with, assets/hyperlora/recipe.json
GREY_SHARE, OUTSIDE_WEIGHT, NOISE_SHIFT = 0.5, 0.5, 1.5


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one step: latents and sketches [B, C, h, w], weights [B, h, w], and which captions they have [B]."""

    latents: Tensor
    sketches: Tensor
    weights: Tensor
    captions: Tensor

    def joined(self, other: Batch, captions: int) -> Batch:
        """Return both as one; the other's captions stand behind as many as `captions` of this one's."""
        return Batch(
            torch.cat([self.latents, other.latents]),
            torch.cat([self.sketches, other.sketches]),
            torch.cat([self.weights, other.weights]),
            torch.cat([self.captions, other.captions + captions]),
        )


@dataclass(frozen=True, eq=False)
class OwnRows:
    """Rows to learn from.

    Attributes:
        latents: of what is to be drawn, [M, C, h, w].
        coloured: latents of what is shown in colours, [M, C, h, w].
        greys: the same without colours.
        weights: of the loss, [M, h, w].
        captions: M; they call the thing by its class word.
    """

    latents: Tensor
    coloured: Tensor
    greys: Tensor
    weights: Tensor
    captions: tuple[str, ...]

    @classmethod
    def of(cls, base: EmbeddedBase, cutouts: Sequence[Image.Image], kind: str, coat: Sequence[str]) -> OwnRows:
        """Lay the cut-outs of a thing out."""
        views = own_views(base.pipeline, cutouts, kind, coat)
        assert views.sketches is not None
        captions = tuple(views.captions) * 2
        return cls.encoded(base, _and_mirrored(views.targets), _and_mirrored(views.sketches), captions)

    @classmethod
    def of_class(cls, base: EmbeddedBase, kind: str) -> OwnRows:
        """Lay the drawings of a class out: what the base draws for its word, and is to go on drawing."""
        texts = own_captions(base.pipeline, kind)
        captions = tuple(texts[number % len(texts)] for number in range(PRIOR))
        sketches = base.pipeline.sketch(captions, range(PRIOR))
        pictures = np.stack([np.asarray(sketch.picture) for sketch in sketches if sketch is not None])
        return cls.encoded(base, pictures, pictures, captions)

    @classmethod
    def encoded(
        cls, base: EmbeddedBase, targets: NDArray[np.uint8], shown: NDArray[np.uint8], captions: tuple[str, ...]
    ) -> OwnRows:
        """Encode pictures [M, S, S, 4] and what is shown of them, in colours."""
        latents = base.encode_pictures(targets)
        greys = base.encode_pictures(np.stack([in_greys(picture) for picture in shown]))
        edge = latents.shape[-1]
        alpha = torch.from_numpy(targets[..., 3].astype(np.float32) / 255)[:, None]
        inside = torch.nn.functional.adaptive_avg_pool2d(alpha, edge)[:, 0]
        weights = OUTSIDE_WEIGHT + (1 - OUTSIDE_WEIGHT) * inside
        return cls(latents, base.encode_pictures(shown), greys, weights, captions)

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """Return some of the rows, half of them shown without colours."""
        places = torch.randint(len(self.latents), (count,), generator=generator)
        grey = torch.rand(count, generator=generator) < GREY_SHARE
        sketches = torch.where(grey.view(-1, 1, 1, 1), self.greys[places], self.coloured[places])
        return Batch(self.latents[places], sketches, self.weights[places], places)


def diffusion_error(base: EmbeddedBase, batch: Batch, text: Mapping[str, Tensor], generator: torch.Generator) -> Tensor:
    """Return the base's diffusion error on a batch, whose text's conditions are `text`, each [B, …]."""
    levels = draw_noise_levels(len(batch.latents), NOISE_SHIFT, generator)
    noise = torch.randn(batch.latents.shape, generator=generator)
    noisy, target, timesteps = base.noised(batch.latents, noise, levels)
    with attention_kernel(noisy.device), torch.autocast(noisy.device.type, torch.bfloat16):
        predicted = base.predict(noisy, timesteps, {**text, "sketch": batch.sketches})
    return diffusion_loss(predicted, target, batch.weights)


def _and_mirrored(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([pictures, pictures[:, :, ::-1]])
