from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderDC
from safetensors.torch import load_file

from pipelines.mini.training.autoencoder import Pictures, latent_loss, reconstruction_loss, train
from tests.pipelines.mini.tiny_mini import SIZE, training_config


def test_the_loss_is_zero_for_the_picture_itself_and_sees_alpha() -> None:
    picture = torch.rand(2, 4, 16, 16) * 2 - 1
    assert reconstruction_loss(picture, picture) == 0
    clear = picture.clone()
    clear[:, 3] = -1
    assert reconstruction_loss(clear, picture) > reconstruction_loss(picture + 0.01, picture) > 0


def test_latents_are_pulled_to_unit_variance() -> None:
    unit = torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert latent_loss(unit) < 0.01
    assert latent_loss(unit * 2) > 1
    assert latent_loss(unit + 1) > 0.9


def test_batches_hold_no_held_out_drawing(data: Path) -> None:
    pictures = Pictures(data, SIZE, seed=0)
    batch = pictures.batch(8)
    assert batch.shape == (8, 4, SIZE, SIZE)
    assert batch.min() >= -1 and batch.max() <= 1
    assert all(part[1][row]["split"] == "train" for number, row in pictures._rows for part in [pictures._parts[number]])
    assert pictures.heldout(24).shape == (2, 4, SIZE, SIZE)
    assert torch.equal(Pictures(data, SIZE, seed=0).batch(8), batch)


def test_three_steps_with_a_break_and_an_export_that_loads(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for steps in (2, 3):
        train(training_config(steps), data, out)
        marker = json.loads((out / "autoencoder" / "checkpoint" / "step.json").read_text())
        assert marker["step"] == steps
    vae = AutoencoderDC.from_pretrained(out / "vae")
    assert all(parameter.isfinite().all() for parameter in vae.parameters())
    figures = json.loads((out / "autoencoder" / "figures.json").read_text())
    assert vae.config.scaling_factor == pytest.approx(1 / figures["latent_std"], rel=1e-2)
    assert (out / "autoencoder" / "reconstructions.png").is_file()
    # nothing is left to do: another call trains no further and exports the same
    weights = load_file(out / "vae" / "diffusion_pytorch_model.safetensors")
    train(training_config(3), data, out)
    again = load_file(out / "vae" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(again[name], value) for name, value in weights.items())
