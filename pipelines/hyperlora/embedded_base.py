"""The embedded base model (`pipelines.mini`) as the hypernetwork's training and sampling see it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.denoising import FlowMatching
from pipelines.lora import LoraFactors
from pipelines.mini.alpha import to_tensor
from pipelines.mini.casting import Actor
from pipelines.mini.dressing import Dresser
from pipelines.mini.loading import load_pipeline
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.sketching import with_sketch
from pipelines.mini.text import encode_tokens

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


class EmbeddedBase(FlowMatching):
    """The embedded pipeline behind `pipelines.hyperlora.denoising.DenoisingBase`.

    Args:
        pipeline: whose UNet is adapted; its pictures are taken before enlargement.
        name: name and version.
    """

    component = "unet"

    def __init__(self, pipeline: MiniPipeline, name: str) -> None:
        self.pipeline, self.name = pipeline, name
        self.model = pipeline.unet.requires_grad_(False)
        self.scheduler = pipeline.scheduler

    @classmethod
    def open(cls, folder: Path, text_encoder: Path, device: str = "cpu") -> Self:
        """Load the base from its folder (see `pipelines.mini.loading`); its name holds the hash of its weights."""
        version = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]
        return cls(load_pipeline(folder, text_encoder, device=device), f"mini@{version}")

    @torch.no_grad()
    def encode_pictures(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Encode straight-alpha pictures [N, S, S, 4] into scaled latents [N, C, h, w] on the CPU.

        S is a multiple of the autoencoder's own size, to which the pictures are averaged.
        """
        vae = self.pipeline.vae
        values = to_tensor(pictures, self.pipeline.native_size).to(vae.device, memory_format=torch.channels_last)
        with torch.autocast(vae.device.type, torch.bfloat16):  # as the base's own training encodes pictures
            encoded = vae.encode(values).latent
        scaled: Tensor = encoded.float().mul(vae.config.scaling_factor).cpu()
        return scaled

    @torch.no_grad()
    def decode(self, latents: Tensor) -> list[Image.Image]:
        """Decode scaled latents [N, C, h, w] into RGBA pictures of the autoencoder's own size."""
        return self.pipeline.decode(latents, upscale=False)

    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        """Encode captions into token features and their mask, on the CPU."""
        pipeline = self.pipeline
        parts = [
            encode_tokens(
                pipeline.text_encoder, pipeline.tokenizer, captions[start : start + 256], pipeline.config.text_length
            )
            for start in range(0, len(captions), 256)
        ]
        hidden, mask = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
        return {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}

    def sketch(
        self, captions: Sequence[str], loras: Sequence[LoraFactors] | None = None, fidelity: float = 1.0
    ) -> dict[str, Tensor]:
        """Lay every caption out and encode the sketches, {"sketch": [N, C, h, w]}; {} for a base that is shown none."""
        dress = [Dresser(self.pipeline, lora, fidelity) for lora in loras] if loras else [None] * len(captions)
        return self.staged([[Actor(dress=one)] if one else [] for one in dress], captions)

    def staged(self, casts: Sequence[Sequence[Actor]], captions: Sequence[str]) -> dict[str, Tensor]:
        """Lay every caption out around its own cast; as `sketch`."""
        config = self.pipeline.unet.config
        if config.in_channels == config.out_channels:
            return {}
        sketches = self.pipeline.sketch(captions, range(len(captions)), casts)
        pictures = [None if sketch is None else sketch.picture for sketch in sketches]
        return {"sketch": self.pipeline.encode_sketches(pictures)}

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """Predict the velocity [N, C, h, w]; see `DenoisingBase`."""
        placed = {name: value.to(latents.device) for name, value in conditions.items()}
        rows = with_sketch(latents, placed).contiguous(memory_format=torch.channels_last)
        velocity: Tensor = self.model(rows, timesteps, **placed).sample
        return velocity
