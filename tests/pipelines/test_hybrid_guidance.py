from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray
from torch import Tensor, nn

from pipelines.hybrid_guidance import PAIRED, HybridGuidance
from pipelines.hyperlora.guidance import FORMS, Branch, Guidance, hm_cfg
from pipelines.lora import Factor, LoraAdapter, LoraError, LoraFactors, RowLora, layer_table
from pipelines.regional_lora import side_by_side
from pipelines.text_to_image import denoiser
from tests.pipelines.tiny_hub_models import SIZE, TEXT, TINY

TEXT_PULL = 4.0
IN_PAIRS = ["sd15", "sdxl", "sd3"]


@pytest.fixture(scope="module")
def made() -> dict[str, DiffusionPipeline]:
    return {}


@pytest.fixture
def pipeline(request: pytest.FixtureRequest, made: dict[str, DiffusionPipeline]) -> DiffusionPipeline:
    family = request.param
    if family not in made:
        made[family] = TINY[family]()
        made[family].set_progress_bar_config(disable=True)
        for component in made[family].components.values():
            if isinstance(component, nn.Module):
                component.eval()
    return made[family]


def random_lora(pipeline: DiffusionPipeline, seed: int = 0, rank: int = 2) -> LoraFactors:
    component, module = denoiser(pipeline)
    noise = torch.Generator().manual_seed(seed)
    layers = {
        spec.name: Factor(
            torch.randn(rank, spec.in_features, generator=noise),
            0.5 * torch.randn(spec.out_features, rank, generator=noise),
        )
        for spec in layer_table(module)
    }
    return LoraFactors(layers, component)


def drawn(pipeline: DiffusionPipeline, *seeds: int, guidance: float = TEXT_PULL, **more: object) -> NDArray[np.float32]:
    """Draw a picture per seed, in one call; float32 latents."""
    result = pipeline(
        prompt=["a dog"] * len(seeds),
        width=SIZE,
        height=SIZE,
        num_inference_steps=2,
        guidance_scale=guidance,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="latent",
        **more,
    )
    latents: NDArray[np.float32] = result.images.numpy()
    return latents


@contextmanager
def personal(pipeline: DiffusionPipeline, lora: LoraFactors, rows: int) -> Iterator[None]:
    """The personal model as such: the LoRA in every row of every call."""
    with RowLora(denoiser(pipeline)[1], lora.layers, torch.ones(rows)):
        yield


@contextmanager
def rows_of(module: nn.Module) -> Iterator[list[int]]:
    """Note the rows of every call of the denoiser."""
    first = next(one for name, one in module.named_modules() if name.endswith((".attn1.to_q", ".attn.to_q")))
    seen: list[int] = []
    handle = first.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    yield seen
    handle.remove()


def is_paired(pipeline: DiffusionPipeline) -> bool:
    return type(denoiser(pipeline)[1]).__name__ in PAIRED


def hooks(module: nn.Module) -> int:
    return sum(len(one._forward_hooks) + len(one._forward_pre_hooks) for one in module.modules())


@pytest.mark.parametrize("pipeline", list(TINY), indirect=True)
def test_fidelity_zero_is_the_base_bit_for_bit(pipeline: DiffusionPipeline) -> None:
    base = drawn(pipeline, 7)
    with HybridGuidance(pipeline, random_lora(pipeline), Guidance.steady(0.0, TEXT_PULL)):
        assert np.array_equal(drawn(pipeline, 7), base)


@pytest.mark.parametrize("pipeline", list(TINY), indirect=True)
def test_fidelity_one_is_the_personal_model_under_plain_guidance(pipeline: DiffusionPipeline) -> None:
    lora = random_lora(pipeline)
    with HybridGuidance(pipeline, lora, Guidance.steady(1.0, TEXT_PULL)):
        hybrid = drawn(pipeline, 7)
    with personal(pipeline, lora, 2 if is_paired(pipeline) else 1):
        assert np.array_equal(drawn(pipeline, 7), hybrid)
    with LoraAdapter(denoiser(pipeline)[1], lora):
        np.testing.assert_allclose(drawn(pipeline, 7), hybrid, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pipeline", ["sdxl", "flux"], indirect=True)
def test_the_dial_changes_the_picture_and_nothing_is_left_of_it(pipeline: DiffusionPipeline) -> None:
    _, module = denoiser(pipeline)
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    base, before = drawn(pipeline, 7), hooks(module)
    pictures = [base]
    for fidelity in (0.4, 1.0):
        with HybridGuidance(pipeline, random_lora(pipeline), Guidance.steady(fidelity, TEXT_PULL)):
            pictures.append(drawn(pipeline, 7))
    steps = [float(np.abs(later - picture).mean()) for picture, later in pairwise(pictures)]
    assert min(steps) > 1e-5
    assert np.array_equal(drawn(pipeline, 7), base)
    assert hooks(module) == before
    after = module.state_dict()
    assert list(after) == list(weights) and all(torch.equal(after[name], value) for name, value in weights.items())


@pytest.mark.parametrize("pipeline", IN_PAIRS, indirect=True)
def test_it_costs_at_most_half_more_than_plain_guidance(pipeline: DiffusionPipeline) -> None:
    _, module = denoiser(pipeline)
    with rows_of(module) as plain:
        drawn(pipeline, 7)
    with (
        HybridGuidance(pipeline, random_lora(pipeline), Guidance.steady(0.4, TEXT_PULL)),
        rows_of(module) as hybrid,
    ):
        drawn(pipeline, 7)
    assert len(hybrid) == len(plain), "one batched call a step"
    assert sum(hybrid) <= 1.5 * sum(plain)


def call_of(pipeline: DiffusionPipeline, count: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A UNet call for rows of empty (False) or given text (True), on fixed conditions."""
    noise = torch.Generator().manual_seed(3)
    unet = pipeline.unet
    hidden = torch.randn(2, count, 5, unet.config.cross_attention_dim, generator=noise)
    pooled = torch.randn(2, count, TEXT, generator=noise)

    def call(latents: Tensor, with_text: Tensor) -> Tensor:
        which, row = with_text.long(), torch.arange(len(with_text)) % count
        added = {"text_embeds": pooled[which, row], "time_ids": torch.ones(len(which), 6)}
        timestep = pipeline.scheduler.timesteps[1]
        return unet(latents, timestep, hidden[which, row], added_cond_kwargs=added, return_dict=False)[0]

    return call


@pytest.mark.parametrize("pipeline", ["sdxl"], indirect=True)
@pytest.mark.parametrize("form", list(FORMS))
@torch.no_grad()
def test_the_pipelines_own_guidance_of_the_pair_is_that_of_the_form(pipeline: DiffusionPipeline, form: str) -> None:
    lora, count = random_lora(pipeline), 2
    latents = torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    pipeline.scheduler.set_timesteps(4)
    pipeline._guidance_scale = TEXT_PULL
    call = call_of(pipeline, count)

    def denoise(stacked: Tensor, _: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        text = torch.tensor([branch.text for branch in branches]).repeat_interleave(count)
        scales = torch.tensor([branch.lora_scale for branch in branches]).repeat_interleave(count)
        with RowLora(pipeline.unet, lora.layers, scales):
            return call(stacked, text)

    guidance = Guidance(text=TEXT_PULL, subject=2.5, form=form)
    expected = hm_cfg(denoise, latents, pipeline.scheduler.timesteps[1], guidance, 0.25)
    with HybridGuidance(pipeline, lora, guidance):
        empty, text = call(torch.cat([latents] * 2), torch.tensor([False, True]).repeat_interleave(count)).chunk(2)
    torch.testing.assert_close(empty + TEXT_PULL * (text - empty), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pipeline", ["sd15", "sd3", "flux"], indirect=True)
def test_the_course_over_the_steps_is_kept(pipeline: DiffusionPipeline) -> None:
    _, module = denoiser(pipeline)
    lora = random_lora(pipeline)
    base = drawn(pipeline, 7)
    with HybridGuidance(pipeline, lora, Guidance(text=TEXT_PULL, subject=2, start=1.0, end=1.0)):
        assert np.array_equal(drawn(pipeline, 7), base)
    with (
        HybridGuidance(pipeline, lora, Guidance(text=TEXT_PULL, subject=2, end=0.3, form="matched")),
        rows_of(module) as seen,
    ):
        assert not np.array_equal(drawn(pipeline, 7), base)
    if is_paired(pipeline):
        assert seen == sorted(seen, reverse=True) and (seen[0], seen[-1]) == (3, 2)


@pytest.mark.parametrize("pipeline", ["sd15", "sd3", "flux"], indirect=True)
def test_the_loras_of_two_people_in_one_call_are_each_as_if_alone(pipeline: DiffusionPipeline) -> None:
    one, other = random_lora(pipeline, 1), random_lora(pipeline, 2, rank=3)
    guidance = Guidance.steady(0.5, TEXT_PULL)
    with HybridGuidance(pipeline, [one, None, other], guidance):
        together = drawn(pipeline, 7, 8, 9)
    for row, (seed, lora) in enumerate(((7, one), (8, None), (9, other))):
        with HybridGuidance(pipeline, lora, guidance):
            np.testing.assert_allclose(together[row], drawn(pipeline, seed)[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pipeline", list(TINY), indirect=True)
@pytest.mark.parametrize("fidelity", [0.5, 1.0])
def test_two_subjects_in_one_picture_keep_to_their_places(pipeline: DiffusionPipeline, fidelity: float) -> None:
    one, other = random_lora(pipeline, 1), random_lora(pipeline, 2, rank=3)
    guidance = Guidance.steady(fidelity, TEXT_PULL)
    base, before = drawn(pipeline, 7), hooks(denoiser(pipeline)[1])

    def of(loras: Sequence[LoraFactors], regions: Tensor) -> NDArray[np.float32]:
        with HybridGuidance(pipeline, loras, guidance, regions):
            return drawn(pipeline, 7)

    forth = of([one, other], side_by_side(2))
    np.testing.assert_allclose(of([other, one], side_by_side(2).flip(1)), forth, rtol=1e-3, atol=1e-3)
    assert np.abs(of([other, one], side_by_side(2)) - forth).mean() > 1e-5
    nowhere = of([one, other], torch.zeros(1, 2, 8, 8))
    np.testing.assert_allclose(nowhere, base, rtol=1e-3, atol=1e-3)
    assert hooks(denoiser(pipeline)[1]) == before and np.array_equal(drawn(pipeline, 7), base)


@pytest.mark.parametrize("pipeline", ["sdxl", "flux"], indirect=True)
def test_one_persons_picture_is_the_same_after_anothers(pipeline: DiffusionPipeline) -> None:
    guidance = Guidance.steady(0.7, TEXT_PULL)

    def of(seed: int) -> NDArray[np.float32]:
        with HybridGuidance(pipeline, random_lora(pipeline, seed), guidance):
            return drawn(pipeline, 7)

    first, second = of(1), of(2)
    assert np.abs(first - second).mean() > 1e-5
    assert np.array_equal(of(1), first)
    assert np.array_equal(of(2), second)


@pytest.mark.parametrize("pipeline", ["sd15"], indirect=True)
def test_a_call_that_is_broken_off_leaves_the_base(pipeline: DiffusionPipeline) -> None:
    _, module = denoiser(pipeline)
    base, before = drawn(pipeline, 7), hooks(module)
    target = next(one for name, one in module.named_modules() if name.endswith(".to_q"))

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    handle = target.register_forward_pre_hook(fail)
    with (
        pytest.raises(KeyboardInterrupt),
        HybridGuidance(pipeline, random_lora(pipeline), Guidance.steady(0.5, TEXT_PULL)),
    ):
        drawn(pipeline, 7)
    handle.remove()
    assert hooks(module) == before
    assert np.array_equal(drawn(pipeline, 7), base)


@pytest.mark.parametrize("pipeline", ["sd15"], indirect=True)
def test_without_guidance_by_pairs_the_dial_is_the_strength(pipeline: DiffusionPipeline) -> None:
    lora = random_lora(pipeline)
    with personal(pipeline, lora.scaled(0.5), 1):
        expected = drawn(pipeline, 7, guidance=1.0)
    with HybridGuidance(pipeline, lora, Guidance.steady(0.5, 1.0)):
        np.testing.assert_allclose(drawn(pipeline, 7, guidance=1.0), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pipeline", ["sd15"], indirect=True)
def test_what_does_not_fit_gets_a_sentence(pipeline: DiffusionPipeline) -> None:
    guidance = Guidance.steady(0.5, TEXT_PULL)
    foreign = LoraFactors({"other.to_q": Factor(torch.ones(1, 4), torch.ones(4, 1))})
    with pytest.raises(LoraError, match=r"adapts other\.to_q"):
        HybridGuidance(pipeline, [None, foreign], guidance)
    with pytest.raises(LoraError, match="adapts a transformer, but this model has a unet"):
        HybridGuidance(pipeline, LoraFactors(foreign.layers, "transformer"), guidance)
    with (
        pytest.raises(ValueError, match=r"guides by 7\.0, the weights are for 4\.0"),
        HybridGuidance(pipeline, random_lora(pipeline), guidance),
    ):
        drawn(pipeline, 7, guidance=7.0)
