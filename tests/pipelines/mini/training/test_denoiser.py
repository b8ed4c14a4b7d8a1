from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderDC, UNet2DConditionModel
from PIL import Image

from pipelines.mini.training import cache
from pipelines.mini.training.denoiser import PREVIEW_PROMPTS, Samples, flow_loss, train
from tests.pipelines.mini.tiny_mini import AUTOENCODER, DENOISER, SIZE, TEXT_LENGTH, TEXT_WIDTH, training_config


@pytest.fixture
def out(data: Path, minilm: Path, tmp_path: Path) -> Path:
    """A folder in which the autoencoder is trained and everything frozen is encoded."""
    folder = tmp_path / "out"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(folder / "vae")
    cache.train(training_config(3), data, folder)
    return folder


def test_batches_drop_captions_and_mask_padding(out: Path) -> None:
    latents, tokens, mask = Samples(out / "cache", 0.0, seed=1).batch(64)
    assert (latents.shape, tokens.shape, mask.shape) == (
        (64, 8, 4, 4),
        (64, TEXT_LENGTH, TEXT_WIDTH),
        (64, TEXT_LENGTH),
    )
    assert (latents.dtype, tokens.dtype, mask.dtype) == (torch.float32, torch.float32, torch.bool)
    assert not tokens[~mask].any() and (mask.sum(dim=1) > 2).all()
    dropped = Samples(out / "cache", 1.0, seed=1).batch(8)[2]
    assert (dropped.sum(dim=1) == 2).all()  # the empty caption


def test_plain_drawings_are_half_of_what_is_seen(out: Path) -> None:
    samples = Samples(out / "cache", 0.0, seed=1)
    drawn = torch.searchsorted(samples._cumulative, torch.rand(4000, dtype=torch.float64))
    shares = torch.bincount(samples._samples[drawn, 2], minlength=3) / 4000
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.2, 0.3]), atol=0.04, rtol=0)


class Oracle(torch.nn.Module):
    """Knows the picture, so the velocity it gives is the true one."""

    def __init__(self, latents: torch.Tensor) -> None:
        super().__init__()
        self.latents = latents

    def forward(self, mixed: torch.Tensor, timesteps: torch.Tensor, *_: object, **__: object) -> object:
        share = (timesteps / 1000)[:, None, None, None]
        noise = (mixed - (1 - share) * self.latents) / share
        return type("Output", (), {"sample": noise - self.latents})


def test_the_flow_loss_is_zero_for_the_true_velocity() -> None:
    torch.manual_seed(0)
    latents = torch.randn(4, 8, 4, 4)
    tokens, mask = torch.randn(4, TEXT_LENGTH, TEXT_WIDTH), torch.ones(4, TEXT_LENGTH, dtype=torch.bool)
    run = contextlib.nullcontext()
    assert flow_loss(Oracle(latents), latents, tokens, mask, run) < 1e-6
    loss = flow_loss(UNet2DConditionModel(**DENOISER), latents, tokens, mask, run)
    assert loss.isfinite() and loss > 0.5


def test_three_steps_with_a_break_and_an_export_that_draws(out: Path, data: Path) -> None:
    for steps in (2, 3):
        train(training_config(steps), data, out)
        assert json.loads((out / "denoiser" / "checkpoint" / "step.json").read_text())["step"] == steps
        with Image.open(out / "denoiser" / f"samples-{steps:06d}.png") as sheet:
            assert sheet.size == (8 * SIZE, SIZE * len(PREVIEW_PROMPTS) // 8)
    unet = UNet2DConditionModel.from_pretrained(out / "unet")
    assert all(parameter.isfinite().all() for parameter in unet.parameters())
    assert unet.config.cross_attention_dim == TEXT_WIDTH


def test_a_loss_that_is_not_finite_stops_the_training(out: Path, data: Path) -> None:
    latents = np.load(out / "cache" / "latents.npy")
    np.save(out / "cache" / "latents.npy", np.full_like(latents, np.nan))
    with pytest.raises(FloatingPointError, match=r"not finite at step 1; lower the learning rate of 0\.001"):
        train(training_config(3), data, out)
    assert not (out / "unet").exists()
