from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipelines.mini.loading import load_pipeline
from tests.pipelines.mini.tiny_mini import save_pipeline, tiny_pipeline


@pytest.mark.parametrize("enlarged", [True, False])
def test_a_saved_pipeline_draws_the_same(tmp_path: Path, enlarged: bool) -> None:
    pipeline = tiny_pipeline(tmp_path / "minilm")
    if not enlarged:
        pipeline.register_modules(upscaler=None)
        pipeline.save_config(tmp_path / "mini")
        for part in ("unet", "vae", "scheduler"):
            getattr(pipeline, part).save_pretrained(tmp_path / "mini" / part)
    else:
        save_pipeline(pipeline, tmp_path / "mini")
    read = load_pipeline(tmp_path / "mini", tmp_path / "minilm")
    assert read.config.text_length == pipeline.config.text_length
    assert not read.unet.training and not read.vae.training
    first, second = (
        drawer("a dog", num_inference_steps=2, seeds=[3], output_type="latent").images for drawer in (pipeline, read)
    )
    torch.testing.assert_close(first, second)
    picture = read("a dog", num_inference_steps=1, seeds=[3]).images[0]
    assert picture.size == pipeline("a dog", num_inference_steps=1, seeds=[3]).images[0].size


def test_the_drawings_for_sketches_come_along(tmp_path: Path) -> None:
    pipeline = tiny_pipeline(tmp_path / "minilm", sketches=True)
    read = load_pipeline(save_pipeline(pipeline, tmp_path / "mini"), tmp_path / "minilm")
    options = {"num_inference_steps": 2, "seeds": [3, 4], "output_type": "latent"}
    prompts = ["a dog, flat style", "a red cat"]
    first, second = (drawer(prompts, **options).images for drawer in (pipeline, read))
    torch.testing.assert_close(first, second)
    assert pipeline.library is not None
    pipeline.library = pipeline.library.without(["dog"])
    other = pipeline(prompts, **options).images
    assert not torch.allclose(other[0], first[0])  # another drawing is another picture
    torch.testing.assert_close(other[1], first[1])


def test_half_precision_files_are_run_in_full(tmp_path: Path) -> None:
    pipeline = tiny_pipeline(tmp_path / "minilm")
    pipeline.unet.half()
    pipeline.upscaler.half()
    read = load_pipeline(save_pipeline(pipeline, tmp_path / "mini"), tmp_path / "minilm")
    parts = (read.unet, read.vae, read.text_encoder, read.upscaler)
    assert {parameter.dtype for part in parts for parameter in part.parameters()} == {torch.float32}
