"""What training and sampling need of a base model.

Shape legend: N rows, C latent channels, h × w latent size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from diffusers import SchedulerMixin
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from pipelines.hyperlora.losses import add_noise
from pipelines.lora import LoraFactors


class Noised(NamedTuple):
    """What the model is given and what it shall predict: latents and target [N, C, h, w], timesteps [N]."""

    latents: Tensor
    target: Tensor
    timesteps: Tensor


class FlowMatching:
    """The noise of rectified flow: x_s = (1 − s) x_0 + s·noise, target noise − x_0, timestep 1000·s."""

    def noised(self, latents: Tensor, noise: Tensor, levels: Tensor) -> Noised:
        """See `DenoisingBase.noised`."""
        return Noised(*add_noise(latents, noise, levels), levels * 1000)


class DenoisingBase(Protocol):
    """A frozen latent diffusion model.

    Attributes:
        model: the denoiser whose attention is adapted.
        component: ``unet`` or ``transformer``.
        name: of the base, for the metadata of what is trained on it.
        scheduler: the sampler it was made for, as configured.
    """

    model: nn.Module
    component: str
    name: str
    scheduler: SchedulerMixin

    def noised(self, latents: Tensor, noise: Tensor, levels: Tensor) -> Noised:
        """Add noise to latents [N, C, h, w], at levels [N] from 0 (none) to 1 (nothing else)."""

    def encode_pictures(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Encode straight-alpha pictures [N, S, S, 4] into the latents the denoiser works on, float32 [N, C, h, w]."""

    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        """Encode captions into what `predict` takes as conditions, each tensor [N, …]; "" is the empty caption."""

    def sketch(
        self, captions: Sequence[str], loras: Sequence[LoraFactors] | None = None, fidelity: float = 1.0
    ) -> dict[str, Tensor]:
        """Return further conditions of captions that show their layout, each [N, …]; {} where the base has none.

        The subjects look as `loras`, one for each caption, say they do, or as their class does; below
        `pipelines.mini.dressing.FULL` the fidelity (0–1) says how far they go from the one to the other.
        """

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Predict the target [N, C, h, w] of noisy latents at timesteps [N] in 0–1000."""

    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Decode latents [N, C, h, w] into RGBA pictures."""
