from __future__ import annotations

import pytest
import torch

from pipelines.hyperlora.losses import add_noise, diffusion_loss, draw_noise_levels, output_penalty
from pipelines.hyperlora.modeling_hyperlora import HyperLoraOutput
from pipelines.lora import Factor


def test_noise_levels_cover_the_range_and_shift_upwards() -> None:
    even = draw_noise_levels(64, 1.0, torch.Generator().manual_seed(0))
    shifted = draw_noise_levels(64, 3.0, torch.Generator().manual_seed(0))
    assert ((even >= torch.arange(64) / 64) & (even <= torch.arange(1, 65) / 64)).all()
    torch.testing.assert_close(shifted, 3 * even / (1 + 2 * even))
    assert shifted.max() <= 1


def test_noisy_latents_lie_between_latents_and_noise() -> None:
    latents, noise = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    levels = torch.tensor([0.0, 0.5, 1.0])
    noisy, velocity = add_noise(latents, noise, levels)
    torch.testing.assert_close(noisy[0], latents[0])
    torch.testing.assert_close(noisy[2], noise[2])
    torch.testing.assert_close(noisy - levels.view(-1, 1, 1, 1) * velocity, latents)


def test_places_outside_the_subject_weigh_less() -> None:
    target = torch.zeros(1, 2, 2, 2)
    weights = torch.tensor([[[1.0, 1.0], [0.3, 0.3]]])
    inside, outside = target.clone(), target.clone()
    inside[:, :, 0, 0], outside[:, :, 1, 1] = 1, 1
    assert diffusion_loss(inside, target, weights) == pytest.approx(1 / 2.6)
    assert diffusion_loss(outside, target, weights) == pytest.approx(0.3 / 2.6)


def test_penalties() -> None:
    factor = Factor(torch.randn(2, 3, 5), torch.randn(2, 4, 3))
    output = HyperLoraOutput(layers={"a": factor}, down=torch.randn(2, 1, 3, 6), up=torch.full((2, 1, 6, 3), 0.5))
    assert output_penalty(output, "coefficients") == pytest.approx(0.25)
    product = (factor.up @ factor.down).square().sum((1, 2)).mean()
    torch.testing.assert_close(output_penalty(output, "product"), product)
    scaled = HyperLoraOutput(layers={"a": Factor(factor.down * 4, factor.up / 4)}, down=output.down, up=output.up)
    torch.testing.assert_close(output_penalty(scaled, "product"), product)
