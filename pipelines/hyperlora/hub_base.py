"""Stable Diffusion 1.5, SDXL and their kin as the hypernetwork's training and sampling see them.

Shape legend: N rows, S pixels a side, C latent channels, h × w latent size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from diffusers import (
    AutoPipelineForText2Image,
    DDPMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pipelines.hub_models import HubModel, fetch, read_index
from pipelines.hyperlora.denoising import Noised
from pipelines.lora import LoraFactors

WHITE = 255
TEXT_BATCH = 64


class UnsupportedBase(ValueError):
    """A pipeline that hypernetworks are not trained for here."""


class HubBase:
    """A diffusers pipeline with a UNet behind `pipelines.hyperlora.denoising.DenoisingBase`.

    Such a base knows no transparency: pictures are laid on white. It is shown no sketches.

    Args:
        pipeline: whose UNet is adapted.
        name: name and version.
    """

    component = "unet"

    def __init__(self, pipeline: StableDiffusionPipeline | StableDiffusionXLPipeline, name: str) -> None:
        self._pipeline, self.name = pipeline, name
        self.model = pipeline.unet.requires_grad_(False)
        self.scheduler = pipeline.scheduler
        self._noise = DDPMScheduler.from_config(pipeline.scheduler.config)

    @classmethod
    def open(cls, model: HubModel, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Self:
        """Load a base from a folder or a hub id, safetensors only.

        Raises:
            ModelNotFound: nothing is there.
            UnsupportedBase: a pipeline that is neither Stable Diffusion nor SDXL.
        """
        index = read_index(model)
        pipeline = AutoPipelineForText2Image.from_pretrained(
            fetch(model), dtype=dtype, use_safetensors=True, trust_remote_code=False
        ).to(device)
        if not isinstance(pipeline, StableDiffusionPipeline | StableDiffusionXLPipeline):
            raise UnsupportedBase(
                f"{model.model} is a {index.pipeline}; "
                "a StableDiffusionPipeline or StableDiffusionXLPipeline is needed."
            )
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, f"{model.model}@{index.fingerprint}")

    @property
    def edge(self) -> int:
        """Pixels a side of the pictures that the base was made for."""
        return int(self.model.config.sample_size * self._pipeline.vae_scale_factor)

    @torch.no_grad()
    def encode_pictures(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Encode straight-alpha pictures [N, S, S, 4] on white, brought to `edge`, into scaled latents on the CPU."""
        vae = self._pipeline.vae
        alpha = pictures[..., 3:].astype(np.float32) / WHITE
        values = torch.from_numpy(pictures[..., :3] * alpha + WHITE * (1 - alpha)).permute(0, 3, 1, 2) / 127.5 - 1
        size = (self.edge, self.edge)
        resized = functional.interpolate(values, size, mode="bicubic", antialias=True).clamp(-1, 1)
        encoded = vae.encode(resized.to(vae.device, vae.dtype)).latent_dist.mean
        scaled: Tensor = encoded.float().mul(vae.config.scaling_factor).cpu()
        return scaled

    @torch.no_grad()
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Decode scaled latents [N, C, h, w] into opaque RGBA pictures."""
        vae = self._pipeline.vae
        values = vae.decode((latents / vae.config.scaling_factor).to(vae.device, vae.dtype)).sample
        return [picture.convert("RGBA") for picture in self._pipeline.image_processor.postprocess(values.float())]

    @torch.no_grad()
    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        """Encode captions into what the UNet is conditioned on, each tensor [N, …] on the CPU."""
        parts = [self._encode(list(captions[at : at + TEXT_BATCH])) for at in range(0, len(captions), TEXT_BATCH)]
        return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}

    def _encode(self, captions: list[str]) -> dict[str, Tensor]:
        pipeline = self._pipeline
        options: dict[str, Any] = {
            "device": pipeline._execution_device, "num_images_per_prompt": 1, "do_classifier_free_guidance": False,
        }  # fmt: skip
        if isinstance(pipeline, StableDiffusionPipeline):
            return {"encoder_hidden_states": pipeline.encode_prompt(captions, **options)[0]}
        hidden, _, pooled, _ = pipeline.encode_prompt(captions, **options)
        # SDXL is told the size a picture had, where it was cropped, and its size now: nothing was cropped away
        sizes = torch.tensor([[self.edge, self.edge, 0, 0, self.edge, self.edge]], dtype=hidden.dtype)
        return {"encoder_hidden_states": hidden, "text_embeds": pooled, "time_ids": sizes.expand(len(captions), -1)}

    def sketch(
        self, captions: Sequence[str], loras: Sequence[LoraFactors] | None = None, fidelity: float = 1.0
    ) -> dict[str, Tensor]:
        """Return {}: such a base is shown none."""
        return {}

    def noised(self, latents: Tensor, noise: Tensor, levels: Tensor) -> Noised:
        """Add the noise that the base was trained with; see `DenoisingBase.noised`."""
        steps = int(self._noise.config.num_train_timesteps)
        timesteps = (levels * (steps - 1)).round().long()
        noisy = self._noise.add_noise(latents, noise, timesteps)
        if self._noise.config.prediction_type == "v_prediction":
            return Noised(noisy, self._noise.get_velocity(latents, noise, timesteps), timesteps)
        return Noised(noisy, noise, timesteps)

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Predict the noise, or the velocity where the base was trained so, [N, C, h, w]."""
        placed = {name: value.to(latents.device) for name, value in conditions.items()}
        hidden = placed.pop("encoder_hidden_states")
        predicted: Tensor = self.model(latents, timesteps, hidden, added_cond_kwargs=placed or None).sample
        return predicted
