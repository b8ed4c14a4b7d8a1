"""A hypernetwork at tiny random size and an image encoder that needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from pipelines.hyperlora.modeling_hyperlora import HyperLora
from tests.pipelines.tiny_denoisers import TinyDenoiser

SIZES = {"width": 16, "heads": 2, "latents": 3, "resampler_blocks": 1, "rank": 2, "bases": 4}


class PixelEncoder:
    """Tokens that are a fixed random projection of each patch's pixels."""

    def tokens(self, images: Sequence[Image.Image]) -> np.ndarray:
        projection = np.random.default_rng(0).standard_normal((16 * 16 * 4, 768)).astype(np.float32)
        found = []
        for image in images:
            values = np.asarray(image.convert("RGBA"), np.float32).reshape(14, 16, 14, 16, 4) / 255
            patches = values.transpose(0, 2, 1, 3, 4).reshape(196, -1) @ projection
            found.append(np.concatenate([patches.mean(0, keepdims=True), patches]))
        return np.stack(found)


def tiny_hyperlora(tiny: TinyDenoiser, **config) -> HyperLora:
    """A hypernetwork for a tiny denoiser whose zero-initialised side has been moved away from zero."""
    torch.manual_seed(0)
    model = HyperLora.for_model(tiny.model, component=tiny.component, **(SIZES | config)).eval()
    torch.nn.init.normal_(model.to_up.weight, std=0.5)
    return model


def cutout(colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A rectangle of one colour in the middle of a transparent picture."""
    picture = Image.new("RGBA", (64, 64))
    picture.paste(Image.new("RGBA", size, (*colour, 255)), (10, 20))
    return picture
