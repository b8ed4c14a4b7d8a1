"""Requests of several people to one embedded base: what one of them drew leaves nothing for the next."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.lora import LoraAdapter, LoraFactors, RowLora, stacked
from pipelines.mini.pipeline_mini import MiniPipeline
from tests.pipelines.mini.tiny_mini import random_lora, tiny_pipeline


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"))


def drawn(pipeline: MiniPipeline, lora: LoraFactors | None = None) -> Tensor:
    return pipeline("a dog", num_inference_steps=2, seeds=[7], lora=lora, output_type="latent").images


def predicted(pipeline: MiniPipeline, rows: int) -> Tensor:
    """One call of the denoiser in which all rows have the same inputs."""
    noise = torch.Generator().manual_seed(1)
    config = pipeline.unet.config
    latents = torch.randn(1, config.in_channels, config.sample_size, config.sample_size, generator=noise)
    text = torch.randn(1, 5, config.cross_attention_dim, generator=noise)
    with torch.no_grad():
        return pipeline.unet(
            latents.expand(rows, -1, -1, -1), torch.full((rows,), 300), text.expand(rows, -1, -1)
        ).sample


def test_pictures_do_not_depend_on_who_drew_before(pipeline: MiniPipeline) -> None:
    ann, ben = random_lora(pipeline), random_lora(pipeline, strength=-0.8)
    weights = {name: value.clone() for name, value in pipeline.unet.state_dict().items()}
    alone = [drawn(pipeline, lora) for lora in (None, ann, ben)]
    assert not any(torch.allclose(alone[one], alone[other], atol=1e-3) for one, other in ((0, 1), (0, 2), (1, 2)))
    for who, lora in ((2, ben), (1, ann), (0, None), (2, ben), (0, None)):
        assert torch.equal(drawn(pipeline, lora), alone[who])
    after = pipeline.unet.state_dict()
    assert list(after) == list(weights) and all(torch.equal(after[name], value) for name, value in weights.items())


def test_an_ejected_lora_leaves_the_weights_bit_for_bit(pipeline: MiniPipeline) -> None:
    base, modules = predicted(pipeline, 2), [type(module) for module in pipeline.unet.modules()]
    weights = {name: value.clone() for name, value in pipeline.unet.state_dict().items()}
    for strength in (0.5, -0.8):
        with LoraAdapter(pipeline.unet, random_lora(pipeline, strength)):
            assert not torch.allclose(predicted(pipeline, 2), base, atol=1e-3)
        after = pipeline.unet.state_dict()
        assert list(after) == list(weights) and all(torch.equal(after[name], value) for name, value in weights.items())
        # peft has exchanged modules; that may cost the last bit of a kernel's rounding
        torch.testing.assert_close(predicted(pipeline, 2), base, rtol=1e-5, atol=1e-6)
    assert [type(module) for module in pipeline.unet.modules()] == modules


def test_two_people_in_one_call_get_what_each_gets_alone(pipeline: MiniPipeline) -> None:
    people = [random_lora(pipeline), None, random_lora(pipeline, strength=-0.8)]
    with RowLora(pipeline.unet, stacked(people), torch.ones(3)):
        together = predicted(pipeline, 3)
    for row, lora in enumerate(people):
        with RowLora(pipeline.unet, stacked([lora] * 3), torch.ones(3)):
            assert torch.equal(predicted(pipeline, 3)[row], together[row])
        if lora is not None:
            with LoraAdapter(pipeline.unet, lora):
                torch.testing.assert_close(predicted(pipeline, 3)[row], together[row], rtol=1e-4, atol=1e-4)
