"""A style everywhere, with real denoisers at tiny size; `test_style_files.py` has the reading of files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn

from pipelines.hybrid_guidance import HybridGuidance
from pipelines.hyperlora.guidance import Guidance
from pipelines.lora import Factor, LoraAdapter, LoraFactors, RowLora, layer_table
from pipelines.mini.pipeline_mini import MiniPipeline, PersonalSubject
from pipelines.regional_lora import side_by_side
from pipelines.style_lora import StyleLora
from pipelines.text_to_image import denoiser
from tests.pipelines.mini.tiny_mini import random_lora as mini_lora
from tests.pipelines.mini.tiny_mini import tiny_pipeline
from tests.pipelines.tiny_denoisers import TinyDenoiser, stable_diffusion, stable_diffusion_3, stable_diffusion_xl
from tests.pipelines.tiny_hub_models import SIZE, TINY

MODELS = {"sd15": stable_diffusion, "sdxl": stable_diffusion_xl, "sd3": stable_diffusion_3}


def random_lora(model: nn.Module, component: str = "unet", seed: int = 0, strength: float = 0.3) -> LoraFactors:
    noise = torch.Generator().manual_seed(seed)
    layers = {
        spec.name: Factor(
            torch.randn(2, spec.in_features, generator=noise),
            strength * torch.randn(spec.out_features, 2, generator=noise),
        )
        for spec in layer_table(model)
    }
    return LoraFactors(layers, component)


@pytest.fixture(params=list(MODELS))
def tiny(request: pytest.FixtureRequest) -> TinyDenoiser:
    return MODELS[request.param]()


@torch.no_grad()
def test_a_style_is_the_lora_in_every_row(tiny: TinyDenoiser) -> None:
    style = random_lora(tiny.model, tiny.component)
    base = tiny.call(3)
    with RowLora(tiny.model, style.scaled(0.7).layers, torch.ones(3)):
        expected = tiny.call(3)
    assert not torch.allclose(base, expected, atol=1e-3)
    with StyleLora(tiny.model, style.layers, 0.7):
        torch.testing.assert_close(tiny.call(3), expected, rtol=1e-5, atol=1e-5)
    with LoraAdapter(tiny.model, style, scale=0.7):
        torch.testing.assert_close(tiny.call(3), expected, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_nothing_is_left_of_it_and_strength_zero_is_the_base_bit_for_bit(tiny: TinyDenoiser) -> None:
    style = random_lora(tiny.model, tiny.component)
    base, weights = tiny.call(2), {name: value.clone() for name, value in tiny.model.state_dict().items()}
    with StyleLora(tiny.model, style.layers, 0.0):
        assert torch.equal(tiny.call(2), base)
    with pytest.raises(KeyboardInterrupt), StyleLora(tiny.model, style.layers, 1.0):
        assert not torch.equal(tiny.call(2), base)
        raise KeyboardInterrupt
    assert torch.equal(tiny.call(2), base)
    assert not any(module._forward_hooks for module in tiny.model.modules())
    assert all(torch.equal(value, weights[name]) for name, value in tiny.model.state_dict().items())


@torch.no_grad()
def test_convolutions_can_have_a_style() -> None:
    tiny = stable_diffusion()
    noise = torch.Generator().manual_seed(0)
    names = ("down_blocks.0.attentions.0.proj_in", "down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv")
    layers = {}
    for name in names:
        outs, ins, height, width = tiny.model.get_submodule(name).weight.shape
        down = torch.randn(2, ins, height, width, generator=noise)
        layers[name] = Factor(down, torch.randn(outs, 2, 1, 1, generator=noise))
    with StyleLora(tiny.model, layers, 0.5):
        styled = tiny.call(2)
    for name, (down, up) in layers.items():
        product = (up.flatten(1) @ down.flatten(1)).view_as(tiny.model.get_submodule(name).weight)
        tiny.model.get_submodule(name).weight += 0.5 * product
    torch.testing.assert_close(styled, tiny.call(2), rtol=1e-3, atol=1e-3)


def test_a_strength_out_of_bounds_gets_a_sentence() -> None:
    for strength in (-0.1, 1.6, float("nan")):
        with pytest.raises(ValueError, match=r"must lie between 0 and 1\.5"):
            StyleLora(stable_diffusion().model, {}, strength)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


def merged(model: nn.Module, lora: LoraFactors, strength: float) -> None:
    """Add a LoRA to the weights themselves, for good."""
    with torch.no_grad():
        for name, (down, up) in lora.layers.items():
            model.get_submodule(name).weight += strength * (up @ down)


def _is_it(styled: Tensor, expected: Tensor, base: Tensor) -> None:
    """Tiny models move little: what is not exactly equal has to be small beside what the style does."""
    effect = (expected - base).abs().mean()
    assert effect > 1e-5
    assert (styled - expected).abs().mean() < 0.01 * effect


@pytest.mark.parametrize("fidelity", [0.0, 0.6, 1.0])
def test_the_embedded_base_draws_personal_things_as_a_model_that_was_made_in_the_style(
    mini: MiniPipeline, tmp_path: Path, fidelity: float
) -> None:
    style, mine, other = random_lora(mini.unet, seed=5), mini_lora(mini), mini_lora(mini, -0.8)
    subjects = [PersonalSubject(words="dog", lora=mine), PersonalSubject(words="cat", lora=other)]

    def drawn(pipeline: MiniPipeline) -> Tensor:
        return pipeline(
            ["a dog and a cat"], num_inference_steps=2, seeds=[7], subjects=subjects, fidelity=fidelity,
            output_type="latent",
        ).images  # fmt: skip

    base = drawn(mini)
    with StyleLora(mini.unet, style.layers, 0.8):
        styled = drawn(mini)
    assert torch.equal(drawn(mini), base)
    made_so = tiny_pipeline(tmp_path / "minilm", sketches=True)
    merged(made_so.unet, style, 0.8)
    _is_it(styled, drawn(made_so), base)


@pytest.mark.parametrize("family", ["sd15", "sdxl", "sd3", "flux"])
def test_hub_bases_draw_two_things_as_a_model_that_was_made_in_the_style(family: str) -> None:
    pipeline = TINY[family]()
    pipeline.set_progress_bar_config(disable=True)
    component, module = denoiser(pipeline)
    for part in pipeline.components.values():
        if isinstance(part, nn.Module):
            part.eval()
    style = random_lora(module, component, seed=5)
    things = [random_lora(module, component, seed=1), random_lora(module, component, seed=2)]
    guidance = Guidance.steady(0.6, 4.0)

    def drawn(pipeline: DiffusionPipeline) -> Tensor:
        with HybridGuidance(pipeline, things, guidance, side_by_side(2)):
            return pipeline(
                prompt="a dog", width=SIZE, height=SIZE, num_inference_steps=2, guidance_scale=4.0,
                generator=torch.Generator().manual_seed(7), output_type="latent",
            ).images  # fmt: skip

    base = drawn(pipeline)
    with StyleLora(module, style.layers, 0.8):
        styled = drawn(pipeline)
    assert torch.equal(drawn(pipeline), base)
    merged(module, style, 0.8)
    _is_it(styled, drawn(pipeline), base)
