"""What the history encoder is trained for.

Shape legend: B rows, C latent channels, h × w latent size.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def row_errors(predicted: Tensor, latents: Tensor, noise: Tensor) -> Tensor:
    """Return each row's mean square error of the velocity noise − latents [B]; predictions are [B, C, h, w]."""
    return (predicted - (noise - latents)).square().flatten(1).mean(dim=1)


def diffusion_dpo(
    better: Tensor, worse: Tensor, better_before: Tensor, worse_before: Tensor, *, beta: float
) -> tuple[Tensor, Tensor]:
    """Diffusion-DPO (Wallace et al. 2023, eq. 14) over errors of one noise level and one noise for both pictures.

    Args:
        better: errors of the model that is trained, on the preferred pictures [B].
        worse: on the others [B].
        better_before: errors of the model it began with, on the preferred pictures [B].
        worse_before: on the others [B].
        beta: how far it may go from where it began; larger allows less.

    Returns:
        The mean loss, and the share of pairs that the model prefers rightly.
    """
    advantage = (better - better_before) - (worse - worse_before)
    return -functional.logsigmoid(-0.5 * beta * advantage).mean(), (advantage < 0).float().mean()
