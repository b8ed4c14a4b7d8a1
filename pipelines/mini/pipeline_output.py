"""What the embedded base returns."""

from __future__ import annotations

from dataclasses import dataclass

from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor


@dataclass
class MiniPipelineOutput(BaseOutput):
    """Pictures of one call.

    Attributes:
        images: RGBA pictures, one per row; scaled latents float32 [N, C, h, w] where ``output_type="latent"`` was asked.
    """

    images: list[Image.Image] | Tensor
