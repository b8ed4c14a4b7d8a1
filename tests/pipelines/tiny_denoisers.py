"""Real denoisers of several families at tiny random size, with one call that feeds any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import (
    FluxTransformer2DModel,
    QwenImageTransformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from torch import Tensor, nn


@dataclass(frozen=True)
class TinyDenoiser:
    """A model, the component name its LoRA files use, and a function of the row count that calls it."""

    model: nn.Module
    component: str
    call: Callable[[int], Tensor]


def stable_diffusion(seed: int = 0) -> TinyDenoiser:
    """A UNet of the SD 1.5 kind: one text encoder, 1×1 convolutions around its transformers."""
    torch.manual_seed(seed)
    model = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=12,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )

    def call(rows: int) -> Tensor:
        noise = torch.Generator().manual_seed(1)
        latents = torch.randn(rows, 4, 8, 8, generator=noise)
        text = torch.randn(rows, 5, 12, generator=noise)
        return model(latents, torch.full((rows,), 300), text).sample

    return TinyDenoiser(model.eval(), "unet", call)


def stable_diffusion_xl(seed: int = 0) -> TinyDenoiser:
    """A UNet of the SDXL kind: linear projections, several transformer layers, added text and time embeddings."""
    torch.manual_seed(seed)
    model = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=(2, 4),
        transformer_layers_per_block=(1, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=6 * 4 + 10,
        cross_attention_dim=12,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )

    def call(rows: int) -> Tensor:
        noise = torch.Generator().manual_seed(1)
        latents = torch.randn(rows, 4, 8, 8, generator=noise)
        text = torch.randn(rows, 5, 12, generator=noise)
        added = {"text_embeds": torch.randn(rows, 10, generator=noise), "time_ids": torch.ones(rows, 6)}
        return model(latents, torch.full((rows,), 300), text, added_cond_kwargs=added).sample

    return TinyDenoiser(model.eval(), "unet", call)


def stable_diffusion_3(seed: int = 0) -> TinyDenoiser:
    """A transformer of the SD3 kind: joint attention with added projections for the text."""
    torch.manual_seed(seed)
    model = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=4,
        num_attention_heads=2,
        joint_attention_dim=12,
        caption_projection_dim=8,
        pooled_projection_dim=6,
        out_channels=4,
        pos_embed_max_size=8,
    )

    def call(rows: int) -> Tensor:
        noise = torch.Generator().manual_seed(1)
        latents = torch.randn(rows, 4, 8, 8, generator=noise)
        text = torch.randn(rows, 5, 12, generator=noise)
        pooled = torch.randn(rows, 6, generator=noise)
        return model(
            latents, encoder_hidden_states=text, pooled_projections=pooled, timestep=torch.full((rows,), 300)
        ).sample

    return TinyDenoiser(model.eval(), "transformer", call)


def flux(seed: int = 0) -> TinyDenoiser:
    """A transformer of the FLUX kind: double-stream and single-stream blocks over packed latents."""
    torch.manual_seed(seed)
    model = FluxTransformer2DModel(
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=12,
        pooled_projection_dim=6,
        axes_dims_rope=(2, 2, 4),
    )

    def call(rows: int) -> Tensor:
        noise = torch.Generator().manual_seed(1)
        return model(
            hidden_states=torch.randn(rows, 16, 4, generator=noise),
            encoder_hidden_states=torch.randn(rows, 5, 12, generator=noise),
            pooled_projections=torch.randn(rows, 6, generator=noise),
            timestep=torch.full((rows,), 0.3),
            img_ids=torch.zeros(16, 3),
            txt_ids=torch.zeros(5, 3),
        ).sample

    return TinyDenoiser(model.eval(), "transformer", call)


def qwen_image(seed: int = 0) -> TinyDenoiser:
    """A transformer of the Qwen-Image kind: joint attention, positions by picture shape and text length."""
    torch.manual_seed(seed)
    model = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=12,
        axes_dims_rope=(8, 4, 4),
    )

    def call(rows: int) -> Tensor:
        noise = torch.Generator().manual_seed(1)
        return model(
            hidden_states=torch.randn(rows, 16, 16, generator=noise),
            encoder_hidden_states=torch.randn(rows, 5, 12, generator=noise),
            encoder_hidden_states_mask=torch.ones(rows, 5, dtype=torch.bool),
            timestep=torch.full((rows,), 0.3),
            img_shapes=[[(1, 4, 4)]] * rows,
        ).sample

    return TinyDenoiser(model.eval(), "transformer", call)


FAMILIES = {
    "sd15": stable_diffusion,
    "sdxl": stable_diffusion_xl,
    "sd3": stable_diffusion_3,
    "flux": flux,
    "qwen-image": qwen_image,
}
