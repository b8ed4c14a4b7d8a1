"""The shipped presets build models whose parts fit each other and the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from diffusers import AutoencoderDC, UNet2DConditionModel

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "mini"


@pytest.fixture(params=["nano", "mini"])
def preset(request: pytest.FixtureRequest) -> dict[str, Any]:
    return yaml.safe_load((CONFIGS / f"{request.param}.yaml").read_text())


def test_the_parts_fit(preset: dict[str, Any]) -> None:
    with torch.device("meta"):
        vae = AutoencoderDC(**preset["autoencoder"]["model"])
        unet = UNet2DConditionModel(**preset["denoiser"]["model"])
        latents = vae.encode(torch.zeros(1, 4, preset["size"], preset["size"])).latent
        text = torch.zeros(1, preset["text_length"], 384)  # MiniLM's width
        mask = torch.ones(1, preset["text_length"], dtype=torch.bool)
        seen = torch.cat([latents] * (unet.config.in_channels // unet.config.out_channels), dim=1)  # and a sketch
        velocity = unet(seen, 500, text, encoder_attention_mask=mask).sample
        assert vae.decode(velocity).sample.shape == (1, 4, preset["size"], preset["size"])
    edge = unet.config.sample_size
    assert velocity.shape == latents.shape == (1, unet.config.out_channels, edge, edge)


def test_the_corpus_has_what_the_preset_asks_for(preset: dict[str, Any]) -> None:
    corpus = yaml.safe_load((CONFIGS.parents[1] / preset["data"]).read_text())
    assert set(preset["denoiser"]["styles"]) <= set(corpus["styles"])
    assert max(corpus["size"], preset["size"]) % preset["size"] == 0
    assert preset["sampling"]["steps"] >= 1 and preset["sampling"]["guidance"] >= 1


def test_held_out_combinations_are_of_things_that_are_seen() -> None:
    holdout = yaml.safe_load((CONFIGS / "holdout.yaml").read_text())
    assert len(holdout["concepts"]) == len(set(holdout["concepts"])) >= 50
    for kind in ("colours", "accessories", "companions", "places"):
        for subject, other in holdout[kind]:
            assert subject not in holdout["concepts"], f"{subject} {other} is not a new combination of known parts"
