from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderDC, UNet2DConditionModel

from pipelines.mini.loading import load_pipeline
from pipelines.mini.training.assemble import assemble
from pipelines.upscaling.modeling_compact import CompactUpscaler
from studio.engines.base import ImageCapabilities
from tests.pipelines.mini.tiny_mini import AUTOENCODER, SIZE, SKETCHED, TEXT_LENGTH, tiny_library, training_config


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What a finished training leaves behind."""
    folder = tmp_path / "run"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(folder / "vae")
    UNet2DConditionModel(**SKETCHED).save_pretrained(folder / "unet")
    tiny_library().save_pretrained(folder / "library")
    for stage in ("autoencoder", "denoiser"):
        (folder / stage).mkdir()
        (folder / stage / "loss.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    (folder / "autoencoder" / "figures.json").write_text('{"psnr_heldout_db": 30.0}')
    (folder / "cache").mkdir()
    (folder / "cache" / "samples.npy").write_bytes(b"samples")
    return folder


@pytest.mark.parametrize("scale", [1, 4])
def test_the_shipped_folder_draws_and_says_what_it_can(run: Path, minilm: Path, tmp_path: Path, scale: int) -> None:
    upscaler = tmp_path / "upscaler" if scale > 1 else None
    if upscaler is not None:
        CompactUpscaler(channels=4, layers=1, scale=scale).save_pretrained(upscaler)
    target = tmp_path / "mini"
    target.mkdir()
    (target / "README.md").write_text("the card")
    assemble(training_config(2), run, upscaler, target, "tiny")

    card = json.loads((target / "studio.json").read_text())
    assert (target / card.pop("weights")).is_file()
    abilities = ImageCapabilities(model_hash="", **card)
    assert (abilities.model, abilities.default_steps, abilities.default_guidance) == ("Keepsake tiny", 4, 2.5)
    pipeline = load_pipeline(target, minilm)
    assert pipeline.config.text_length == TEXT_LENGTH
    picture = pipeline("a dog", num_inference_steps=1, seeds=[0]).images[0]
    assert picture.size == (abilities.width, abilities.height) == (SIZE * scale, SIZE * scale)
    assert (target / "README.md").read_text() == "the card"
    recipe = json.loads((target / "recipe.json").read_text())
    assert (recipe["denoiser_last_log"], recipe["preset"]) == ({"step": 2, "loss": 1.0}, "tiny")
    assert recipe["config"] == training_config(2)
