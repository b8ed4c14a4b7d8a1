from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderDC, UNet2DConditionModel
from PIL import Image

from pipelines.mini.training import cache, library
from pipelines.mini.training.denoiser import (
    PREVIEW_PROMPTS,
    SHARES,
    Samples,
    flow_loss,
    new_denoiser,
    train,
    warm_start,
)
from tests.pipelines.mini.tiny_mini import (
    AUTOENCODER,
    DENOISER,
    REFERENCED,
    SIZE,
    TEXT_LENGTH,
    TEXT_WIDTH,
    training_config,
)

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def out(data: Path, minilm: Path, tmp_path: Path) -> Path:
    """A folder in which the autoencoder is trained and everything frozen is encoded."""
    folder = tmp_path / "out"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(folder / "vae")
    cache.train(training_config(3), data, folder)
    library.train(training_config(3), data, folder)
    return folder


def test_batches_drop_captions_and_mask_padding(out: Path) -> None:
    latents, tokens, mask, reference = Samples(out / "cache", 0.0, seed=1).batch(64, references=True)
    assert latents.shape == reference.shape == (64, 8, 4, 4)
    assert tokens.shape == (64, TEXT_LENGTH, TEXT_WIDTH)
    assert (latents.dtype, tokens.dtype, mask.dtype) == (torch.float32, torch.float32, torch.bool)
    assert not tokens[~mask].any() and (mask.sum(dim=1) > 2).all()
    assert reference.flatten(1).any(dim=1).all()
    _, _, mask, reference = Samples(out / "cache", 1.0, seed=1).batch(8, references=True)
    assert (mask.sum(dim=1) == 2).all() and not reference.any()  # the empty caption has no drawing to look at
    assert not Samples(out / "cache", 0.0, seed=1).batch(8, references=False)[3].any()


def test_parts_are_seen_as_often_as_they_should(out: Path) -> None:
    samples = Samples(out / "cache", 0.0, seed=1)
    draws = torch.rand(4000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    drawn = torch.searchsorted(samples._cumulative, draws)
    shares = torch.bincount(samples._samples[drawn, 2], minlength=len(SHARES)) / 4000
    torch.testing.assert_close(shares, torch.tensor(SHARES) / sum(SHARES), atol=0.04, rtol=0)


class Oracle(torch.nn.Module):
    """Knows the picture, so the velocity it gives is the true one."""

    config = UNet2DConditionModel(**DENOISER).config

    def __init__(self, latents: torch.Tensor) -> None:
        super().__init__()
        self.latents = latents

    def forward(self, mixed: torch.Tensor, timesteps: torch.Tensor, *_: object, **__: object) -> object:
        share = (timesteps / 1000)[:, None, None, None]
        noise = (mixed - (1 - share) * self.latents) / share
        return type("Output", (), {"sample": noise - self.latents})


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    latents = torch.randn(4, 8, 4, 4)
    mask = torch.ones(4, TEXT_LENGTH, dtype=torch.bool)
    return latents, torch.randn(4, TEXT_LENGTH, TEXT_WIDTH), mask, torch.randn(4, 8, 4, 4)


def test_the_flow_loss_is_zero_for_the_true_velocity(batch: Batch) -> None:
    assert flow_loss(Oracle(batch[0]), batch, contextlib.nullcontext()) < 1e-6  # type: ignore[arg-type]
    loss = flow_loss(UNet2DConditionModel(**DENOISER), batch, contextlib.nullcontext())
    assert loss.isfinite() and loss > 0.5


def loss_of(unet: UNet2DConditionModel, batch: Batch) -> torch.Tensor:
    torch.manual_seed(1)
    return flow_loss(unet, batch, contextlib.nullcontext())


def test_a_new_denoiser_does_not_look_yet_but_learns_to(batch: Batch) -> None:
    unet = new_denoiser(REFERENCED)
    blind = (*batch[:3], torch.zeros_like(batch[3]))
    assert torch.equal(loss_of(unet, batch), loss_of(unet, blind))
    loss_of(unet, batch).backward()
    assert unet.conv_in.weight.grad[:, DENOISER["in_channels"] :].abs().sum() > 0
    assert torch.equal(
        loss_of(UNet2DConditionModel(**DENOISER), batch), loss_of(UNet2DConditionModel(**DENOISER), blind)
    )


def test_a_warm_start_draws_as_the_denoiser_without_references(batch: Batch, tmp_path: Path) -> None:
    torch.manual_seed(3)
    narrow = UNet2DConditionModel(**DENOISER)
    narrow.save_pretrained(tmp_path)
    wide = new_denoiser(REFERENCED)
    warm_start(wide, tmp_path)
    torch.testing.assert_close(loss_of(wide, batch), loss_of(narrow, batch))


@pytest.mark.parametrize("references", [True, False])
def test_three_steps_with_a_break_and_an_export_that_draws(out: Path, data: Path, references: bool) -> None:
    for steps in (2, 3):
        train(training_config(steps, references=references), data, out)
        assert json.loads((out / "denoiser" / "checkpoint" / "step.json").read_text())["step"] == steps
        with Image.open(out / "denoiser" / f"samples-{steps:06d}.png") as sheet:
            assert sheet.size == (8 * SIZE, SIZE * len(PREVIEW_PROMPTS) // 8)
    unet = UNet2DConditionModel.from_pretrained(out / "unet")
    assert all(parameter.isfinite().all() for parameter in unet.parameters())
    assert unet.config.in_channels == (16 if references else 8)


def test_a_loss_that_is_not_finite_stops_the_training(out: Path, data: Path) -> None:
    latents = np.load(out / "cache" / "latents.npy")
    np.save(out / "cache" / "latents.npy", np.full_like(latents, np.nan))
    with pytest.raises(FloatingPointError, match=r"not finite at step 1; lower the learning rate of 0\.001"):
        train(training_config(3), data, out)
    assert not (out / "unet").exists()
