from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from pipelines.hybrid_guidance import HybridGuidance
from pipelines.hyperlora.guidance import Guidance
from pipelines.pigeon.conditioning import Taste, TasteAttention, hub_tokens, taste_conditions
from tests.pipelines.mini.tiny_mini import DENOISER, TEXT_WIDTH
from tests.pipelines.test_hybrid_guidance import random_lora
from tests.pipelines.tiny_hub_models import SIZE, TINY


@pytest.fixture
def unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(**DENOISER).eval()


def call(unet: UNet2DConditionModel, tokens: torch.Tensor | None = None) -> torch.Tensor:
    torch.manual_seed(1)
    rows, text = torch.randn(2, 8, 4, 4), torch.randn(2, 5, TEXT_WIDTH)
    more = {} if tokens is None else taste_conditions(tokens)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    with torch.no_grad():
        return unet(rows, torch.tensor([500, 20]), text, encoder_attention_mask=mask, **more).sample


def trained(unet: UNet2DConditionModel) -> TasteAttention:
    attention = TasteAttention(unet, tokens=3)
    with torch.no_grad():
        for layer in attention.layers.values():
            layer.to_v_ip[0].weight.normal_()
    return attention


def test_begins_at_the_base_and_leaves_it_as_it_was(unet) -> None:
    plain, processors = call(unet), unet.attn_processors
    with TasteAttention(unet, tokens=3):
        assert torch.allclose(call(unet, torch.randn(2, 3, TEXT_WIDTH)), plain, atol=1e-6)
    assert unet.attn_processors == processors and unet.encoder_hid_proj is None
    assert torch.equal(call(unet), plain)


def test_trained_layers_change_the_picture_by_their_scale(unet) -> None:
    plain = call(unet)
    attention, tokens = trained(unet), torch.randn(2, 3, TEXT_WIDTH)
    changes = []
    with attention:
        for scale in (0.0, 0.5, 1.0):
            attention.scale = scale
            assert attention.scale == scale
            changes.append(float((call(unet, tokens) - plain).abs().mean()))
    assert changes[0] < 1e-6 < changes[1] < changes[2]


def test_tokens_of_zeros_are_no_taste(unet) -> None:
    plain, tokens = call(unet), torch.randn(2, 3, TEXT_WIDTH)
    tokens[1] = 0  # as the unconditional rows of guidance have them
    with trained(unet):
        mixed = call(unet, tokens)
    assert torch.allclose(mixed[1], plain[1], atol=1e-6) and not torch.allclose(mixed[0], plain[0], atol=1e-3)


def test_not_twice(unet) -> None:
    with TasteAttention(unet, 3), pytest.raises(RuntimeError, match="eject"):
        TasteAttention(unet, 3).inject()


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_whole_pipeline_of_diffusers_draws_in_a_taste_and_with_a_personal_model(family: str) -> None:
    pipeline = TINY[family]()
    pipeline.set_progress_bar_config(disable=True)
    attention = TasteAttention(pipeline.unet, tokens=3, width=6)
    for layer in attention.layers.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight)
    lora = random_lora(pipeline)

    def drawn(strength: float | None, fidelity: float = 0.0) -> np.ndarray:
        more: dict = {}
        torch.manual_seed(5)
        taste = Taste(attention, torch.randn(1, 3, 6), strength or 0.0)
        if strength is not None:
            more["ip_adapter_image_embeds"] = hub_tokens(taste, guided=True)
        guidance = Guidance.steady(fidelity, 3.0)
        with nullcontext() if strength is None else attention, HybridGuidance(pipeline, lora, guidance):
            return pipeline(
                prompt="a dog", width=SIZE, height=SIZE, num_inference_steps=2, guidance_scale=3.0,
                generator=torch.Generator().manual_seed(1), output_type="latent", **more,
            ).images.numpy()  # fmt: skip

    base = drawn(None)
    np.testing.assert_allclose(drawn(0.0), base, atol=1e-4)
    liked, personal, both = drawn(1.0), drawn(None, fidelity=0.7), drawn(1.0, fidelity=0.7)
    for one, other in ((liked, base), (both, personal), (both, liked)):
        assert np.abs(one - other).max() > 1e-3
    np.testing.assert_array_equal(drawn(None), base)  # nothing is left of it
