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
        images: RGBA pictures, one per row; with ``output_type="latent"`` scaled latents float32 [N, C, h, w].
    """

    images: list[Image.Image] | Tensor
