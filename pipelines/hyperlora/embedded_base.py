"""The embedded base model (`pipelines.mini`) as the hypernetwork's training and sampling see it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.mini.alpha import to_pictures, to_tensor

WEIGHTS = "diffusion_pytorch_model.safetensors"


class EmbeddedBase:
    """A UNet over the latents of an RGBA autoencoder, conditioned on MiniLM token features.

    Args:
        folder: diffusers layout with ``unet``, ``vae`` and ``scheduler``.
        text_encoder: gives the token features.
        text_length: tokens per caption that the base was trained with.
        device: where it runs.
    """

    component = "unet"

    def __init__(
        self, folder: Path, text_encoder: MiniLMTextEncoder, text_length: int, device: str | torch.device = "cpu"
    ) -> None:
        self.model = UNet2DConditionModel.from_pretrained(folder / "unet").to(device)
        self.model = self.model.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._vae = AutoencoderDC.from_pretrained(folder / "vae").to(device).eval().requires_grad_(False)
        self.scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
        self.name = f"mini@{hashlib.sha256((folder / 'unet' / WEIGHTS).read_bytes()).hexdigest()[:12]}"
        self._text_encoder, self._text_length, self._device = text_encoder, text_length, device

    @torch.no_grad()
    def encode_pictures(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Encode straight-alpha pictures [N, S, S, 4] into scaled latents [N, C, h, w] on the CPU."""
        values = to_tensor(pictures).to(self._device, memory_format=torch.channels_last)
        return self._vae.encode(values).latent.mul(self._vae.config.scaling_factor).float().cpu()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Decode scaled latents [N, C, h, w] into RGBA pictures."""
        return to_pictures(self._vae.decode(latents.to(self._device) / self._vae.config.scaling_factor).sample)

    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        """Encode captions into token features and their mask, on the CPU."""
        hidden, mask = self._text_encoder.tokens(captions, self._text_length)
        return {"encoder_hidden_states": hidden.float().cpu(), "encoder_attention_mask": mask.cpu()}

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Predict the velocity [N, C, h, w]; see `DenoisingBase`."""
        latents = latents.contiguous(memory_format=torch.channels_last)
        placed = {name: value.to(latents.device) for name, value in conditions.items()}
        velocity: Tensor = self.model(latents, timesteps, **placed).sample
        return velocity
