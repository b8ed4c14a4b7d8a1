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
    NO_SKETCH,
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
    SIZE,
    SKETCHED,
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
    latents, tokens, mask, sketch = Samples(out / "cache", 0.0, seed=1).batch(400)
    assert latents.shape == sketch.shape == (400, 8, 4, 4)
    assert tokens.shape == (400, TEXT_LENGTH, TEXT_WIDTH)
    assert (latents.dtype, tokens.dtype, mask.dtype) == (torch.float32, torch.float32, torch.bool)
    assert not tokens[~mask].any() and (mask.sum(dim=1) > 2).all()
    assert unseen(sketch) == pytest.approx(NO_SKETCH, abs=0.04)  # so that the words are learned too
    _, _, mask, sketch = Samples(out / "cache", 1.0, seed=1).batch(400)
    assert (mask.sum(dim=1) == 2).all()
    # most rows without a caption still have a sketch: guidance compares before the same one
    assert unseen(sketch) == pytest.approx(1 / 3 + 2 / 3 * NO_SKETCH, abs=0.07)


def unseen(sketch: torch.Tensor) -> float:
    return float((~sketch.flatten(1).any(dim=1)).float().mean())


def test_latents_and_sketches_come_from_their_shelves(out: Path) -> None:
    samples = Samples(out / "cache", 0.0, seed=1)
    shelves = [np.load(out / "cache" / f"{name}.npy") for name in ("scenes", "scenes_sketches")]
    latents, _, _, sketch = samples.batch(100)
    for scene, shown in zip(*(torch.from_numpy(shelf).float() for shelf in shelves), strict=True):
        rows = (latents == scene).flatten(1).all(dim=1)
        assert rows.any()
        seen = sketch[rows & sketch.flatten(1).any(dim=1)]
        assert (seen == shown).all()


def test_a_sample_without_a_sketch_is_shown_none(out: Path) -> None:
    rows = np.load(out / "cache" / "samples.npy")
    rows[:, 3] = -1
    np.save(out / "cache" / "samples.npy", rows)
    assert not Samples(out / "cache", 0.0, seed=1).batch(50)[3].any()


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
    unet = new_denoiser(SKETCHED)
    blind = (*batch[:3], torch.zeros_like(batch[3]))
    assert torch.equal(loss_of(unet, batch), loss_of(unet, blind))
    loss_of(unet, batch).backward()
    assert unet.conv_in.weight.grad[:, DENOISER["in_channels"] :].abs().sum() > 0
    assert torch.equal(
        loss_of(UNet2DConditionModel(**DENOISER), batch), loss_of(UNet2DConditionModel(**DENOISER), blind)
    )


def test_a_warm_start_draws_as_the_denoiser_without_sketches(batch: Batch, tmp_path: Path) -> None:
    torch.manual_seed(3)
    narrow = UNet2DConditionModel(**DENOISER)
    narrow.save_pretrained(tmp_path)
    wide = new_denoiser(SKETCHED)
    warm_start(wide, tmp_path)
    torch.testing.assert_close(loss_of(wide, batch), loss_of(narrow, batch))


def test_a_warm_start_from_one_with_sketches_takes_all_over(batch: Batch, tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = UNet2DConditionModel(**SKETCHED)
    before.save_pretrained(tmp_path)
    after = new_denoiser(SKETCHED)
    warm_start(after, tmp_path)
    assert all(torch.equal(value, after.state_dict()[name]) for name, value in before.state_dict().items())


@pytest.mark.parametrize("sketches", [True, False])
def test_three_steps_with_a_break_and_an_export_that_draws(out: Path, data: Path, sketches: bool) -> None:
    for steps in (2, 3):
        train(training_config(steps, sketches=sketches), data, out)
        assert json.loads((out / "denoiser" / "checkpoint" / "step.json").read_text())["step"] == steps
        with Image.open(out / "denoiser" / f"samples-{steps:06d}.png") as sheet:
            assert sheet.size == (8 * SIZE, SIZE * len(PREVIEW_PROMPTS) // 8)
    unet = UNet2DConditionModel.from_pretrained(out / "unet")
    assert all(parameter.isfinite().all() for parameter in unet.parameters())
    assert unet.config.in_channels == (16 if sketches else 8)


def test_a_loss_that_is_not_finite_stops_the_training(out: Path, data: Path) -> None:
    for name in json.loads((out / "cache" / "shelves.json").read_text()):
        file = out / "cache" / f"{name}.npy"
        np.save(file, np.full_like(np.load(file), np.nan))
    with pytest.raises(FloatingPointError, match=r"not finite at step 1; lower the learning rate of 0\.001"):
        train(training_config(3), data, out)
    assert not (out / "unet").exists()
