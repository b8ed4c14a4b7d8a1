"""The trained part of mini-CLIP: two projection heads over frozen features.

Shape legend: B batch, F joined width of the image features, S width of the sentence feature, D joint space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional

# Similarities are divided by a temperature that is learned but never sharper than 1/100, as CLIP does it.
MAXIMUM_LOG_SCALE = math.log(100.0)


class ProjectionHead(nn.Module):
    """A linear map plus a residual MLP that starts at zero, so that at first the head is the linear map alone."""

    def __init__(self, in_dim: int, out_dim: int, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.norm = nn.LayerNorm(in_dim)
        self.widen = nn.Linear(in_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.narrow = nn.Linear(hidden_dim, out_dim)
        nn.init.zeros_(self.linear.bias)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map [B, in_dim] to [B, out_dim], not normalised."""
        hidden = functional.gelu(self.widen(self.norm(features)))
        return self.linear(features) + self.narrow(self.dropout(hidden))


class MiniClip(ModelMixin, ConfigMixin):
    """Projection heads that bring frozen image and sentence features into one space.

    The joint space is that of the first image feature, centred: the image head starts as the identity on it and is
    pulled back towards it in training, so what that encoder knows of photos survives a training on drawings.

    Args:
        image_features: names of the encoders whose embeddings are joined; the first is the anchor.
        image_dims: their widths, in the same order.
        text_dim: S.
        hidden_dim: width of the MLPs.
        dropout: of the MLPs, in training.
        kind_scale: factor on similarities that makes a softmax over kinds calibrated; None until it is measured.
    """

    @register_to_config
    def __init__(
        self,
        image_features: Sequence[str] = ("clip-vision",),
        image_dims: Sequence[int] = (512,),
        text_dim: int = 384,
        hidden_dim: int = 512,
        dropout: float = 0.0,
        kind_scale: float | None = None,
    ) -> None:
        super().__init__()
        if len(image_features) != len(image_dims):
            raise ValueError(f"{len(image_features)} image features were named, but {len(image_dims)} widths given.")
        total, anchor = sum(image_dims), image_dims[0]
        self.image_head = ProjectionHead(total, anchor, hidden_dim, dropout)
        self.text_head = ProjectionHead(text_dim, anchor, hidden_dim, dropout)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.register_buffer("image_mean", torch.zeros(total))
        with torch.no_grad():
            self.image_head.linear.weight.copy_(torch.eye(anchor, total))

    def anchor(self, image_features: torch.Tensor) -> torch.Tensor:
        """Give the centred frozen feature that the image head starts from: [B, F] to [B, D], rows of length 1."""
        width = self.config.image_dims[0]
        return functional.normalize((image_features - self.image_mean)[:, :width], dim=-1)

    def project_images(self, image_features: torch.Tensor) -> torch.Tensor:
        """Bring joined image features [B, F], each part of length 1, to [B, D], rows of length 1."""
        return functional.normalize(self.image_head(image_features - self.image_mean), dim=-1)

    def project_texts(self, text_features: torch.Tensor) -> torch.Tensor:
        """Bring sentence features [B, S] of length 1 to [B, D], rows of length 1."""
        return functional.normalize(self.text_head(text_features), dim=-1)

    def scale(self) -> torch.Tensor:
        """Factor from cosine to logit, 1–100."""
        return self.log_scale.clamp(0.0, MAXIMUM_LOG_SCALE).exp()
