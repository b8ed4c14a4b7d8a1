"""Measures an autoencoder at the preset's size: it may have been trained at another, since it is all convolutions."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import torch
from diffusers import AutoencoderDC

from pipelines.mini.training.autoencoder import Pictures, psnr

logger = logging.getLogger(__name__)


@torch.no_grad()
def train(config: dict, data: Path, out: Path) -> None:
    """Write the figures of ``out/vae`` on 128 held-out drawings (it is one of the stages, hence its name)."""
    model = AutoencoderDC.from_pretrained(out / "vae").float().eval()
    batch = Pictures(data, config["size"], config["seed"]).heldout(128)
    spread = model.encode(batch).latent.std() * model.config.scaling_factor
    figures = {
        "size": config["size"],
        "psnr_heldout_db": round(psnr(model, batch), 2),
        "scaled_latent_std": round(float(spread), 4),
    }
    (out / "autoencoder").mkdir(parents=True, exist_ok=True)
    (out / "autoencoder" / "figures.json").write_text(json.dumps(figures) + "\n")
    logger.info("autoencoder: %s", figures)
