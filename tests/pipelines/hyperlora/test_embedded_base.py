from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.lora import COAT, LoraFactors
from pipelines.mini.casting import Actor
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.sketching import FOLLOW_DRAWING
from tests.pipelines.mini.tiny_mini import SIZE, random_lora, save_pipeline, tiny_pipeline

PROMPTS = ["a dog", "a blue cat"]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    torch.set_num_threads(1)
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"))


def test_it_draws_what_the_pipeline_draws(pipeline: MiniPipeline) -> None:
    base, lora = EmbeddedBase(pipeline, "tiny@0"), random_lora(pipeline)
    seeds, fidelity = [3, 4], 0.6
    expected = pipeline(
        PROMPTS, num_inference_steps=3, guidance_scale=2.0, seeds=seeds, lora=lora, fidelity=fidelity, upscale=False
    ).images
    denoiser = RowDenoiser(base, base.encode_text(PROMPTS), base.encode_text([""]), lora.layers)
    drawn = draw(denoiser, pipeline.prepare_latents(2, seeds), Guidance.from_fidelity(fidelity, 2.0), steps=3)
    for one, other in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), atol=1)


@pytest.fixture(scope="module")
def sketching(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


@pytest.mark.parametrize("fidelity", [0.0, 0.6, 1.0])
def test_it_draws_what_the_pipeline_draws_after_sketches(sketching: MiniPipeline, fidelity: float) -> None:
    base, seeds = EmbeddedBase(sketching, "tiny@0"), [0, 1]
    lora = LoraFactors(random_lora(sketching).layers, metadata={COAT: "#20c040"})
    expected = sketching(
        PROMPTS, num_inference_steps=2, guidance_scale=2.0, seeds=seeds, lora=lora, fidelity=fidelity, upscale=False
    ).images
    # the seeds are what the base takes for the choices of its sketches: the place of each caption
    text = base.encode_text(PROMPTS) | base.sketch(PROMPTS, [lora, lora] if fidelity else None, fidelity)
    denoiser = RowDenoiser(base, text, base.encode_text([""]), lora.layers)
    drawn = draw(
        denoiser, sketching.prepare_latents(2, seeds), Guidance.from_fidelity(fidelity, 2.0), 2, FOLLOW_DRAWING
    )
    for one, other in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), atol=1)


def test_captions_are_sketched_as_their_class_or_as_a_lora_says(
    pipeline: MiniPipeline, sketching: MiniPipeline
) -> None:
    assert EmbeddedBase(pipeline, "tiny@0").sketch(PROMPTS) == {}
    base = EmbeddedBase(sketching, "tiny@0")
    loras = [LoraFactors(random_lora(sketching).layers, metadata={COAT: coat}) for coat in ("#20c040", "", "#c02020")]
    plain, dressed = (base.sketch(["a dog", "", "a cat"], worn)["sketch"] for worn in (None, loras))
    assert plain.shape == dressed.shape == (3, 8, SIZE // 4, SIZE // 4)
    assert plain.flatten(1).any(dim=1).tolist() == [True, False, True]
    assert not torch.allclose(plain[0], dressed[0]) and not torch.allclose(plain[2], dressed[2])
    grey = base.staged([[Actor(greys=True)]] * 3, ["a dog", "", "a cat"])["sketch"]
    assert not torch.allclose(grey[0], plain[0])


def test_velocities_follow_the_sketch_and_conditions_are_left_alone(sketching: MiniPipeline) -> None:
    base = EmbeddedBase(sketching, "tiny@0")
    latents, timesteps = (
        torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0)),
        torch.tensor([200.0, 700.0]),
    )
    conditions = base.encode_text(PROMPTS) | base.sketch(PROMPTS)
    first = base.predict(latents, timesteps, conditions)
    assert first.shape == latents.shape and set(conditions) >= {"sketch", "encoder_hidden_states"}
    blind = base.predict(latents, timesteps, {**conditions, "sketch": conditions["sketch"] * 0})
    assert not torch.allclose(first, blind)


def test_pictures_of_any_multiple_of_the_size_become_latents(pipeline: MiniPipeline) -> None:
    base = EmbeddedBase(pipeline, "tiny@0")
    pictures = np.full((2, 2 * SIZE, 2 * SIZE, 4), 255, np.uint8)
    latents = base.encode_pictures(pictures)
    assert latents.shape == (2, 8, SIZE // 4, SIZE // 4) and latents.dtype == torch.float32
    torch.testing.assert_close(latents, base.encode_pictures(pictures[:, :SIZE, :SIZE].copy()))
    assert base.decode(latents)[0].size == (SIZE, SIZE)


def test_it_opens_from_a_folder_under_the_name_of_its_weights(pipeline: MiniPipeline, tmp_path: Path) -> None:
    pipeline.text_encoder.save_pretrained(tmp_path / "minilm")
    pipeline.tokenizer.save_pretrained(tmp_path / "minilm")
    save_pipeline(pipeline, tmp_path / "mini")
    base = EmbeddedBase.open(tmp_path / "mini", tmp_path / "minilm")
    assert base.name.startswith("mini@") and len(base.name) == len("mini@") + 12
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    latents, timesteps = torch.randn(2, 8, 4, 4), torch.tensor([200.0, 700.0])
    opened = base.predict(latents, timesteps, base.encode_text(PROMPTS))
    kept = EmbeddedBase(pipeline, "tiny@0")
    torch.testing.assert_close(opened, kept.predict(latents, timesteps, kept.encode_text(PROMPTS)))
