"""A compact super-resolution network: convolutions at the small size, then pixel shuffle (SRVGG, Wang et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from PIL import Image
from torch import nn


class CompactUpscaler(ModelMixin, ConfigMixin):
    """Predicts the difference between a picture and its nearest-neighbour enlargement.

    Args:
        channels: width of the hidden layers.
        layers: hidden convolutions between the first and the last.
        scale: enlargement in both directions.
    """

    @register_to_config
    def __init__(self, channels: int = 64, layers: int = 16, scale: int = 4) -> None:
        super().__init__()
        body: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(layers):
            body += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        body.append(nn.Conv2d(channels, 3 * scale**2, 3, padding=1))
        self.body = nn.Sequential(*body)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Enlarge RGB pictures [B, 3, h, w] in [0, 1] to [B, 3, scale·h, scale·w] (about [0, 1], not clipped)."""
        detail = F.pixel_shuffle(self.body(pictures), self.config.scale)
        return detail + F.interpolate(pictures, scale_factor=self.config.scale, mode="nearest")

    @torch.no_grad()
    def enlarge(self, pictures: Sequence[Image.Image]) -> list[Image.Image]:
        """Enlarge RGBA pictures of one size.

        Colours are first spread into the transparent surroundings, so that the network sees no edge where only the
        alpha has one; the alpha is enlarged as a grey picture of its own.
        """
        stacked = torch.from_numpy(np.stack([np.asarray(picture.convert("RGBA")) for picture in pictures]))
        values = stacked.permute(0, 3, 1, 2).to(self.device, self.dtype).div(255)
        colour, alpha = spread_colour(values[:, :3], values[:, 3:]), values[:, 3:]
        margin = 4
        both = F.pad(torch.cat([colour, alpha.expand(-1, 3, -1, -1)]), (margin,) * 4, mode="replicate")
        big = self(both.contiguous(memory_format=torch.channels_last)).clamp(0, 1)
        edge = margin * self.config.scale
        big_colour, big_alpha = big[..., edge:-edge, edge:-edge].chunk(2)
        result = torch.cat([big_colour, big_alpha.mean(dim=1, keepdim=True)], dim=1)
        pixels = result.float().mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return [Image.fromarray(picture, "RGBA") for picture in pixels]


def spread_colour(colour: torch.Tensor, alpha: torch.Tensor, rounds: int = 6) -> torch.Tensor:
    """Fill transparent pixels with the mean colour of their visible neighbours.

    Args:
        colour: straight colours [B, 3, h, w] in [0, 1], meaningless where alpha is 0.
        alpha: [B, 1, h, w] in [0, 1].
        rounds: pixels that the colours are carried outwards; what is farther becomes the picture's mean colour.
    """
    weight = (alpha > 0.5).to(colour.dtype)
    mean = (colour * weight).sum(dim=(2, 3), keepdim=True) / weight.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    filled = colour * weight
    for _ in range(rounds):
        near = F.avg_pool2d(filled, 3, stride=1, padding=1)
        near_weight = F.avg_pool2d(weight, 3, stride=1, padding=1)
        grown = (near_weight > 0) & (weight == 0)
        filled = torch.where(grown, near / near_weight.clamp(min=1e-6), filled)
        weight = torch.where(grown, torch.ones_like(weight), weight)
    return torch.where(weight > 0, filled, mean)
