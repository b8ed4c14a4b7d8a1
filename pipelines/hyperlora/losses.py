"""The objective: diffusion error through the predicted LoRA, and a small LoRA.

Shape legend: B rows, C latent channels, h × w latent size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipelines.hyperlora.modeling_hyperlora import HyperLoraOutput
from pipelines.lora import product_square


def draw_noise_levels(rows: int, shift: float, generator: torch.Generator) -> Tensor:
    """Return noise levels s in 0–1, one per row, spread evenly before the shift s → shift·s / (1 + (shift − 1)·s)."""
    even = (torch.rand(rows, generator=generator) + torch.arange(rows)) / rows
    return shift * even / (1 + (shift - 1) * even)


def add_noise(latents_BChw: Tensor, noise_BChw: Tensor, levels_B: Tensor) -> tuple[Tensor, Tensor]:
    """Return noisy latents (1 − s) x_0 + s·noise and the velocity noise − x_0 that is to be predicted."""
    level = levels_B.view(-1, 1, 1, 1)
    return torch.lerp(latents_BChw, noise_BChw, level), noise_BChw - latents_BChw


def diffusion_loss(predicted_BChw: Tensor, target_BChw: Tensor, weights_Bhw: Tensor) -> Tensor:
    """Return the mean squared error, every place weighed (1 inside the subject, less outside)."""
    error_Bhw = (predicted_BChw.float() - target_BChw).square().mean(dim=1)
    return (error_Bhw * weights_Bhw).sum() / weights_Bhw.sum()


def output_penalty(output: HyperLoraOutput, form: str) -> Tensor:
    """Return how large the predicted LoRA is.

    Args:
        output: of the hypernetwork.
        form: ``coefficients``: mean square of the up coefficients (the down ones have length 1 as it is);
            ``product``: mean over layers and rows of ||B A||², which no rescaling between A and B can change.
    """
    if form == "coefficients":
        return output.up.float().square().mean()
    return torch.stack([product_square(factor).mean() for factor in output.layers.values()]).mean()
