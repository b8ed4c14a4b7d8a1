"""Loads the embedded base from its folder and the frozen text encoder it was trained with."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from transformers import AutoTokenizer, BertModel

from pipelines.mini.library import DrawingLibrary
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.upscaling.modeling_compact import CompactUpscaler


def load_text_encoder(folder: Path) -> tuple[BertModel, AutoTokenizer]:
    """Return the frozen text encoder and its tokenizer."""
    encoder = BertModel.from_pretrained(folder, add_pooling_layer=False).eval().requires_grad_(False)
    return encoder, AutoTokenizer.from_pretrained(folder)


def load_pipeline(
    folder: Path, text_encoder: Path, *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> MiniPipeline:
    """Return the pipeline of ``folder`` (``unet``, ``vae``, ``scheduler``, ``upscaler``), ready to draw.

    Args:
        folder: in diffusers' layout; the text encoder is not in it, since several models share one.
        text_encoder: folder of MiniLM.
        device: where it runs.
        dtype: what the denoiser and autoencoder run in; the stored half precision is for size.
    """
    encoder, tokenizer = load_text_encoder(text_encoder)
    upscaler = folder / "upscaler"
    pipeline = MiniPipeline.from_pretrained(
        folder,
        text_encoder=encoder,
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler.from_pretrained(folder, subfolder="scheduler"),
        upscaler=CompactUpscaler.from_pretrained(upscaler, dtype=dtype) if upscaler.exists() else None,
        dtype=dtype,
        local_files_only=True,
    ).to(device)
    pipeline.unet.to(memory_format=torch.channels_last).eval()
    pipeline.vae.to(memory_format=torch.channels_last).eval()
    if (folder / "library").exists():
        pipeline.library = DrawingLibrary.from_pretrained(folder / "library")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
