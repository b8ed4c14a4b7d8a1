"""The embedded base at tiny random size, and the settings of a training that takes a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from pipelines.lora import Factor, LoraFactors, layer_table
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.loading import load_text_encoder
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.upscaling.modeling_compact import CompactUpscaler
from tests.pipelines.features.tiny_minilm import write_minilm

SIZE = 16
TEXT_LENGTH = 12
TEXT_WIDTH = 16

AUTOENCODER: dict[str, Any] = {
    "in_channels": 4,
    "latent_channels": 8,
    "encoder_block_types": "ResBlock",
    "decoder_block_types": "ResBlock",
    "attention_head_dim": 8,
    "encoder_block_out_channels": [8, 8, 8],
    "decoder_block_out_channels": [8, 8, 8],
    "encoder_layers_per_block": [1, 1, 1],
    "decoder_layers_per_block": [1, 1, 1],
    "encoder_qkv_multiscales": [[], [], []],
    "decoder_qkv_multiscales": [[], [], []],
    "upsample_block_type": "pixel_shuffle",
    "downsample_block_type": "pixel_unshuffle",
    "decoder_norm_types": "rms_norm",
    "decoder_act_fns": "silu",
}
DENOISER: dict[str, Any] = {
    "sample_size": SIZE // 4,
    "in_channels": 8,
    "out_channels": 8,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "block_out_channels": [8, 16],
    "layers_per_block": 1,
    "cross_attention_dim": TEXT_WIDTH,
    "attention_head_dim": 4,
    "norm_num_groups": 4,
}
# is shown the latents of a sketch beside the noisy ones
SKETCHED: dict[str, Any] = {**DENOISER, "in_channels": 16}
DATA = Path(__file__).resolve().parents[3] / "configs" / "mini" / "data.yaml"


def training_config(steps: int, *, sketches: bool = True) -> dict[str, Any]:
    return {
        "seed": 1,
        "data": str(DATA),
        "size": SIZE,
        "text_length": TEXT_LENGTH,
        "autoencoder": {
            "model": AUTOENCODER,
            "batch": 4,
            "steps": steps,
            "learning_rate": 1e-3,
            "latent_noise": 0.1,
        },
        "denoiser": {
            "model": SKETCHED if sketches else DENOISER,
            "batch": 4,
            "steps": steps,
            "learning_rate": 1e-3,
            "caption_dropout": 0.1,
            "styles": ["flat", "modern"],
        },
        "sampling": {"steps": 4, "guidance": 2.5},
    }


def tiny_library() -> DrawingLibrary:
    """Two drawings in one style: a dog, brown and high, and a cat, blue and wide."""
    torch.manual_seed(6)
    pictures = np.zeros((2, SIZE, SIZE, 4), np.uint8)
    pictures[0, 1:15, 5:11] = (150, 90, 40, 255)
    pictures[1, 5:11, 1:15] = (60, 90, 210, 255)
    return DrawingLibrary.of(
        list(pictures),
        concepts=[0, 1],
        styles=[0, 0],
        embeddings=torch.nn.functional.normalize(torch.randn(2, TEXT_WIDTH), dim=-1),
        names=["dog", "cat"],
        style_words={"flat": ["flat style"]},
    )


def tiny_pipeline(folder: Path, *, sketches: bool = False) -> MiniPipeline:
    """Make the pipeline; the text encoder is written to `folder` and read from it."""
    encoder, tokenizer = load_text_encoder(write_minilm(folder, width=TEXT_WIDTH))
    torch.manual_seed(0)
    pipeline = MiniPipeline(
        vae=AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).eval(),
        unet=UNet2DConditionModel(**(SKETCHED if sketches else DENOISER)).eval(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        upscaler=CompactUpscaler(channels=4, layers=1, scale=4).eval(),
        text_length=TEXT_LENGTH,
    )
    pipeline.library = tiny_library() if sketches else None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_pipeline(pipeline: MiniPipeline, folder: Path) -> Path:
    """Save what the folder of a shipped model holds: everything but the text encoder, which several models share."""
    for part in ("unet", "vae", "scheduler", "upscaler"):
        getattr(pipeline, part).save_pretrained(folder / part)
    if pipeline.library is not None:
        pipeline.library.save_pretrained(folder / "library")
    pipeline.save_config(folder)
    return folder


def random_lora(pipeline: MiniPipeline, strength: float = 0.5) -> LoraFactors:
    noise = torch.Generator().manual_seed(0)
    layers = {}
    for spec in layer_table(pipeline.unet):
        down = torch.randn(2, spec.in_features, generator=noise)
        layers[spec.name] = Factor(down, strength * torch.randn(spec.out_features, 2, generator=noise))
    return LoraFactors(layers)
