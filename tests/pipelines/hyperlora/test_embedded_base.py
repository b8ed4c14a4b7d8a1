from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.mini.pipeline_mini import MiniPipeline
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
