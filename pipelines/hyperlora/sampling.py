"""Draws with a predicted LoRA row by row: what training shows of itself, and what the bench measures.

Shape legend: N pictures, K branches of guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.guidance import Branch, Guidance, hm_cfg
from pipelines.lora import Factor, RowLora


@dataclass(frozen=True, eq=False)
class RowDenoiser:
    """Computes branches of guidance for rows that each have their own text and LoRA.

    Attributes:
        base: the model.
        text: its conditions for the prompts, each [N, …]; ``sketch`` among them is shown to every branch.
        empty: its conditions for the empty prompt, each [1, …].
        layers: module name → `Factor` for all rows, or with a leading dimension [N, …]; empty: no LoRA at all.
    """

    base: DenoisingBase
    text: Mapping[str, Tensor]
    empty: Mapping[str, Tensor]
    layers: Mapping[str, Factor]

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        """Predict for K·N rows in one call; see `pipelines.hyperlora.guidance.Denoise`."""
        count = len(latents) // len(branches)
        conditions = branch_conditions(self.text, self.empty, branches)
        scales = torch.tensor([b.lora_scale for b in branches], device=latents.device)
        with self.adapted(scales, count):
            return self.base.predict(latents, timestep.expand(len(latents)), conditions)

    @property
    def personal(self) -> bool:
        """Whether the base is adapted at all."""
        return bool(self.layers)

    def adapted(self, scales: Tensor, count: int) -> AbstractContextManager:
        """Adapt the base, while the context is open, by the `scales` [K] of the branches; each has `count` rows."""
        layers = {name: _repeated(factor, len(scales)) for name, factor in self.layers.items()}
        return RowLora(self.base.model, layers, scales.repeat_interleave(count))


def branch_conditions(
    text: Mapping[str, Tensor], empty: Mapping[str, Tensor], branches: Sequence[Branch]
) -> dict[str, Tensor]:
    """Return the conditions of K branches one behind the other, each tensor [K·N, …].

    Args:
        text: conditions of the prompts, each [N, …]. Their ``sketch`` is shown to the branches without words as well:
            guidance then pulls towards the words alone, and what is sketched is not exaggerated.
        empty: conditions of the empty prompt, each [1, …].
        branches: K of them.
    """
    return {
        name: torch.cat([value if b.text or name == "sketch" else empty[name].expand_as(value) for b in branches])
        for name, value in text.items()
    }


def following(
    share: Tensor, let_go: Tensor, noise: Tensor, sketch: Tensor | None, predict: Callable[[], Tensor]
) -> Tensor:
    """Return the velocity of a step: some rows still follow their noisy sketch, for the others it is predicted.

    Args:
        share: of noise at this step, [] in 0–1.
        let_go: share down to which each row follows its sketch, [N]; 1 never follows.
        noise: that the rows started from, [N, C, h, w].
        sketch: latents of their sketches, like `noise`; None where there is none.
        predict: predicts the velocity of all rows; not called when no row needs it.
    """
    held = share > let_go
    if sketch is None or not held.any():
        return predict()
    followed = noise - sketch.to(noise)
    return followed if held.all() else torch.where(held.view(-1, 1, 1, 1), followed, predict())


def _repeated(factor: Factor, times: int) -> Factor:
    if factor.down.ndim == 2:
        return factor
    return Factor(factor.down.repeat(times, 1, 1), factor.up.repeat(times, 1, 1))


@torch.no_grad()
def draw(
    denoiser: RowDenoiser, noise: Tensor, guidance: Guidance, steps: int, let_go: float = 1.0
) -> list[Image.Image]:
    """Draw one picture per row of `noise` [N, C, h, w].

    Where nothing adapts the base the subject weight of the guidance has no effect. Down to the share of noise
    `let_go` the pictures follow their sketches, see `following`.
    """
    scheduler = type(denoiser.base.scheduler).from_config(denoiser.base.scheduler.config)
    scheduler.set_timesteps(steps, device=noise.device)
    if not denoiser.personal:
        guidance = replace(guidance, subject=0.0)
    latents = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    for done, timestep in enumerate(scheduler.timesteps):
        share = timestep / scheduler.config.num_train_timesteps
        seen = scheduler.scale_model_input(latents, timestep) if hasattr(scheduler, "scale_model_input") else latents
        predicted = following(
            share,
            torch.full((len(noise),), let_go, device=noise.device),
            noise,
            denoiser.text.get("sketch"),
            partial(hm_cfg, denoiser, seen, timestep, guidance, done / steps),
        )
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    return denoiser.base.decode(latents)
