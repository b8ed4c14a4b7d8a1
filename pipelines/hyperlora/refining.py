"""Refines a predicted LoRA on the pictures of its one subject: a few steps from a good start.

As in HyperDreamBooth's rank-relaxed fast finetuning (Ruiz et al. 2023, §4.3) the LoRA gets further ranks, which begin
at zero, and all of it is trained with the diffusion error of the frozen base. What the base is to draw are the
subject's cut-outs, made as simple as drawings; what it is shown beside the noise are the same in no more than their
main colours, as drawings of its class are shown when the subject is drawn. So what is learned is its surface.

Shape legend: M views, B rows of a step, C latent channels, h × w latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.denoising import DenoisingBase, Noised
from pipelines.hyperlora.losses import diffusion_loss, draw_noise_levels
from pipelines.lora import Factor, LoraFactors, RowLora
from pipelines.mini.training.loop import attention_kernel, learning_rate_at

REFINED = "refined"  # in the metadata of a personal LoRA: how many steps it was trained on its own subject
StepCallback = Callable[[int, float], None]
"""Told the number of steps that are done and the loss of the last one; may raise to stop."""


@dataclass(frozen=True, kw_only=True)
class RefineConfig:
    """Settings of a refinement.

    Attributes:
        steps: optimiser steps.
        batch: rows of a step.
        learning_rate: peak; warmed up over `warmup` steps, then cosine to a fiftieth.
        warmup: steps.
        further_ranks: ranks that the LoRA gets beside those predicted.
        outside_weight: weight of the loss where the subject is not; 1 inside.
        prior_share: share of rows that keep the predicted LoRA's answer for drawings of the subject's class.
        noise_shift: above 1, more of the steps are spent where the noise is strong.
        clip: largest norm of the gradient.
        seed: of batches, noise and further ranks.
    """

    steps: int = 60
    batch: int = 8
    learning_rate: float = 1e-3
    warmup: int = 5
    further_ranks: int = 8
    outside_weight: float = 0.3
    prior_share: float = 0.25
    noise_shift: float = 1.0
    clip: float = 1.0
    seed: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Views:
    """What a refinement sees of its subject.

    Attributes:
        targets: what is to be drawn, uint8 RGBA [M, S, S, 4].
        sketches: what the base is shown of each, like `targets`; None for a base that is shown nothing.
        captions: of each, M.
        prior: sketches of drawings of the subject's class, uint8 [P, S, S, 4]; None: no prior.
        prior_captions: of each of them, P.
    """

    targets: NDArray[np.uint8]
    sketches: NDArray[np.uint8] | None
    captions: Sequence[str]
    prior: NDArray[np.uint8] | None = None
    prior_captions: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class _Rows:
    latents: Tensor
    weights: Tensor
    conditions: dict[str, Tensor]

    def at(self, places: Tensor) -> _Rows:
        conditions = {name: value[places] for name, value in self.conditions.items()}
        return _Rows(self.latents[places], self.weights[places], conditions)


class Refiner:
    """Trains the LoRA of one subject at a time.

    Args:
        base: the frozen model that the LoRA adapts.
        config: settings.
    """

    def __init__(self, base: DenoisingBase, config: RefineConfig | None = None) -> None:
        self._base, self._config = base, config or RefineConfig()

    def refine(self, lora: LoraFactors, views: Views, on_step: StepCallback | None = None) -> LoraFactors:
        """Return the LoRA after training; the given one stays as it is.

        Args:
            lora: where it starts.
            views: of its subject.
            on_step: called after every step.
        """
        config, device = self._config, next(self._base.model.parameters()).device
        generator = torch.Generator().manual_seed(config.seed)
        wide = relaxed(lora, config.further_ranks, generator)
        layers = {name: _trainable(factor, device) for name, factor in wide.layers.items()}
        predicted = {name: Factor(f.down.to(device), f.up.to(device)) for name, f in lora.layers.items()}
        optimizer = torch.optim.AdamW([side for factor in layers.values() for side in factor], weight_decay=0.0)
        own, prior = self._own_rows(views), self._prior_rows(views)
        kept = round(config.batch * config.prior_share) if prior is not None else 0
        self._base.model.requires_grad_(False)
        for step in range(config.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, config.steps, config.learning_rate, config.warmup)
            with torch.enable_grad():
                loss = self._own_loss(own, layers, config.batch - kept, generator)
                if prior is not None and kept:
                    share = kept / config.batch
                    loss = (1 - share) * loss + share * self._prior_loss(prior, layers, predicted, kept, generator)
                loss.backward()
            torch.nn.utils.clip_grad_norm_([side for factor in layers.values() for side in factor], config.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if on_step is not None:
                on_step(step + 1, float(loss.detach()))
        done = {name: Factor(f.down.detach().cpu(), f.up.detach().cpu()) for name, f in layers.items()}
        return replace(wide, layers=done, metadata={**lora.metadata, REFINED: str(config.steps)})

    def _own_loss(self, rows: _Rows, layers: dict[str, Factor], count: int, generator: torch.Generator) -> Tensor:
        chosen = rows.at(torch.randint(len(rows.latents), (count,), generator=generator))
        noised = self._noised(chosen.latents, generator)
        predicted = self._predict(noised, chosen, layers)
        return diffusion_loss(predicted, noised.target, chosen.weights.to(predicted.device))

    def _prior_loss(
        self,
        rows: _Rows,
        layers: dict[str, Factor],
        predicted: dict[str, Factor],
        count: int,
        generator: torch.Generator,
    ) -> Tensor:
        """Return how far the answer for drawings of the class has moved from that of the predicted LoRA."""
        chosen = rows.at(torch.randint(len(rows.latents), (count,), generator=generator))
        noised = self._noised(chosen.latents, generator)
        with torch.no_grad():
            before = self._predict(noised, chosen, predicted).float()
        return diffusion_loss(self._predict(noised, chosen, layers), before, chosen.weights.to(before.device))

    def _noised(self, latents: Tensor, generator: torch.Generator) -> Noised:
        device = next(self._base.model.parameters()).device
        levels = draw_noise_levels(len(latents), self._config.noise_shift, generator).to(device)
        noise = torch.randn(latents.shape, generator=generator).to(device)
        return self._base.noised(latents.to(device), noise, levels)

    def _predict(self, noised: Noised, rows: _Rows, layers: dict[str, Factor]) -> Tensor:
        latents = noised.latents
        with (
            attention_kernel(latents.device),
            torch.autocast(latents.device.type, torch.bfloat16),
            RowLora(self._base.model, layers, torch.ones(len(latents), device=latents.device)),
        ):
            return self._base.predict(latents, noised.timesteps, rows.conditions)

    def _own_rows(self, views: Views) -> _Rows:
        latents = self._base.encode_pictures(views.targets)
        conditions = self._base.encode_text(views.captions)
        if views.sketches is not None:
            conditions["sketch"] = self._base.encode_pictures(views.sketches)
        weights = _weights(views.targets, latents.shape[-1], self._config.outside_weight)
        return _Rows(latents, weights, conditions)

    def _prior_rows(self, views: Views) -> _Rows | None:
        """Return drawings of the class, which are shown as they are: what is drawn there is to stay."""
        if views.prior is None:
            return None
        latents = self._base.encode_pictures(views.prior)
        conditions = self._base.encode_text(views.prior_captions) | {"sketch": latents}
        return _Rows(latents, torch.ones(len(latents), *latents.shape[-2:]), conditions)


def relaxed(lora: LoraFactors, further: int, generator: torch.Generator) -> LoraFactors:
    """Return the same LoRA with further ranks in every layer, whose effect is nothing as yet."""
    layers = {}
    for name, (down, up) in lora.layers.items():
        new = torch.randn(further, down.shape[1], generator=generator) / down.shape[1] ** 0.5
        layers[name] = Factor(torch.cat([down, new.to(down)]), torch.cat([up, up.new_zeros(len(up), further)], dim=1))
    return replace(lora, layers=layers)


def _trainable(factor: Factor, device: torch.device) -> Factor:
    return Factor(*(side.detach().float().to(device).clone().requires_grad_() for side in factor))


def _weights(pictures: NDArray[np.uint8], edge: int, outside: float) -> Tensor:
    """Return the weights of the loss [M, edge, edge]: 1 where a picture is opaque."""
    alpha = [Image.fromarray(picture[..., 3]).resize((edge, edge), Image.Resampling.BOX) for picture in pictures]
    inside = torch.from_numpy(np.stack([np.asarray(one, np.float32) / 255 for one in alpha]))
    return outside + (1 - outside) * inside
