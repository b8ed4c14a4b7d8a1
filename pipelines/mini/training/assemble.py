"""Puts the trained parts together as the folder that is shipped, in half precision, with what the studio reads."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import yaml
from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from pipelines.mini.loading import load_text_encoder
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.resolver import resolve
from pipelines.upscaling.modeling_compact import CompactUpscaler


def assemble(config: dict, run: Path, upscaler: Path | None, target: Path, name: str) -> None:
    """Write ``target``: model_index.json, unet, vae, scheduler, upscaler, studio.json, recipe.json.

    Args:
        config: the preset, kept beside the weights it made.
        run: folder of the training, with ``unet``, ``vae`` and the logs.
        upscaler: folder of the upscaler; None where the base draws at full size.
        target: replaced part by part; a model card in it stays.
        name: of the preset.
    """
    encoder, tokenizer = load_text_encoder(resolve("minilm"))
    pipeline = MiniPipeline(
        vae=AutoencoderDC.from_pretrained(run / "vae").half(),
        unet=UNet2DConditionModel.from_pretrained(run / "unet").half(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        upscaler=CompactUpscaler.from_pretrained(upscaler).half() if upscaler else None,
        text_length=config["text_length"],
    )
    target.mkdir(parents=True, exist_ok=True)
    for part in ("unet", "vae", "scheduler", "upscaler"):
        shutil.rmtree(target / part, ignore_errors=True)
        component = getattr(pipeline, part)
        if component is not None:
            component.save_pretrained(target / part)
    pipeline.save_config(target)
    shutil.rmtree(target / "library", ignore_errors=True)
    if (run / "library").exists():
        shutil.copytree(run / "library", target / "library")
    scale = pipeline.upscaler.config.scale if pipeline.upscaler is not None else 1
    edge = pipeline.native_size * scale
    weights = "unet/diffusion_pytorch_model.safetensors"
    card = {
        "model": f"Keepsake {name}",
        "weights": weights,
        "width": edge,
        "height": edge,
        "default_steps": config["sampling"]["steps"],
        "default_guidance": config["sampling"]["guidance"],
        "scheduler": "Euler flow",
        "transparent": True,
        "personal": True,
        "photo_poses": True,
    }
    (target / "studio.json").write_text(json.dumps(card, indent=2) + "\n")
    (target / "recipe.json").write_text(
        json.dumps({"preset": name, "config": config, **_figures(run)}, indent=2) + "\n"
    )


def _figures(run: Path) -> dict:
    """Return the last line of each loss log, the autoencoder's figures and the checksum of the cached samples' list."""
    found: dict = {"autoencoder": json.loads((run / "autoencoder" / "figures.json").read_text())}
    for stage in ("autoencoder", "denoiser"):
        found[f"{stage}_last_log"] = json.loads((run / stage / "loss.jsonl").read_text().splitlines()[-1])
    found["samples_sha256"] = hashlib.sha256((run / "cache" / "samples.npy").read_bytes()).hexdigest()
    return found


def main() -> None:
    """Parse the arguments and assemble one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/mini/nano.yaml"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--upscaler", type=Path)
    parser.add_argument("--out", type=Path, default=Path("assets/mini"))
    arguments = parser.parse_args()
    config = yaml.safe_load(arguments.config.read_text())
    assemble(config, arguments.run, arguments.upscaler, arguments.out, arguments.config.stem)


if __name__ == "__main__":
    main()
