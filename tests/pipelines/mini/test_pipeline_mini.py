from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipelines.lora import Factor, LoraError, LoraFactors
from pipelines.mini.pipeline_mini import MiniPipeline
from tests.pipelines.mini.tiny_mini import SIZE, random_lora, tiny_pipeline


class Stopped(Exception):
    """Somebody pressed stop."""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"))


def latents(pipeline: MiniPipeline, prompt: list[str] | str = "a dog", **options: Any) -> Tensor:
    options = {"num_inference_steps": 2, "seeds": [7], **options}
    return pipeline(prompt, output_type="latent", **options).images


def test_pictures_are_transparent_and_enlarged(pipeline: MiniPipeline) -> None:
    small = pipeline(["a dog", "a cat"], num_inference_steps=1, seeds=[1, 2], upscale=False).images
    assert [(picture.mode, picture.size) for picture in small] == [("RGBA", (SIZE, SIZE))] * 2
    assert pipeline.native_size == SIZE
    big = pipeline("a dog", num_inference_steps=1, seeds=[1]).images
    assert [(picture.mode, picture.size) for picture in big] == [("RGBA", (4 * SIZE, 4 * SIZE))]


def test_a_picture_does_not_depend_on_the_batch(pipeline: MiniPipeline) -> None:
    together = latents(pipeline, ["a dog", "a red cat style", "a dog"], seeds=[7, 8, 9])
    assert torch.equal(pipeline.prepare_latents(3, [7, 8, 9])[1], pipeline.prepare_latents(1, [8])[0])
    torch.testing.assert_close(latents(pipeline, "a red cat style", seeds=[8])[0], together[1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together[0], together[2])


def test_the_same_seed_is_the_same_picture_and_none_is_another(pipeline: MiniPipeline) -> None:
    assert torch.equal(latents(pipeline), latents(pipeline))
    assert not torch.equal(latents(pipeline, seeds=None), latents(pipeline, seeds=None))


def test_text_and_guidance_count(pipeline: MiniPipeline) -> None:
    plain = latents(pipeline, guidance_scale=1.0)
    assert not torch.allclose(plain, latents(pipeline, "a cat", guidance_scale=1.0))
    assert not torch.allclose(plain, latents(pipeline, guidance_scale=4.0))
    # for the empty prompt there is nothing that guidance could pull towards
    torch.testing.assert_close(
        latents(pipeline, "", guidance_scale=4.0), latents(pipeline, "", guidance_scale=1.0), rtol=1e-3, atol=1e-4
    )


def test_every_step_shows_the_picture_expected_at_the_end(pipeline: MiniPipeline) -> None:
    seen: list[dict[str, Tensor]] = []

    def on_step(_: object, step: int, timestep: Tensor, values: dict[str, Tensor]) -> dict[str, Tensor]:
        assert step == len(seen)
        seen.append(values)
        return values

    last = latents(pipeline, num_inference_steps=3, callback_on_step_end=on_step)
    assert len(seen) == 3
    torch.testing.assert_close(seen[-1]["denoised"], last)  # nothing is left to do after the last step
    torch.testing.assert_close(seen[-1]["latents"], last)
    assert not torch.allclose(seen[0]["denoised"], last)


def test_a_callback_may_change_the_latents_or_stop(pipeline: MiniPipeline) -> None:
    zeros = latents(pipeline, callback_on_step_end=lambda *a: {"latents": torch.zeros_like(a[3]["latents"])})
    assert not zeros.any()

    def stop(*_: object) -> dict[str, Tensor]:
        raise Stopped

    before = latents(pipeline)
    with pytest.raises(Stopped):
        latents(pipeline, lora=random_lora(pipeline), callback_on_step_end=stop)
    assert torch.equal(latents(pipeline), before)


def test_fidelity_turns_the_personal_lora_up_from_nothing(pipeline: MiniPipeline) -> None:
    lora = random_lora(pipeline)
    base = latents(pipeline)
    assert torch.equal(latents(pipeline, lora=lora, fidelity=0.0), base)
    half, full = (latents(pipeline, lora=lora, fidelity=fidelity) for fidelity in (0.5, 1.0))
    assert 0 < (half - base).norm() < (full - base).norm()
    assert torch.equal(latents(pipeline), base)


@pytest.mark.parametrize(
    ("prompt", "options", "sentence"),
    [
        ([], {}, "prompt must be a text"),
        ([3], {}, r"got \[3\]"),
        (["a", "b"], {"seeds": [1]}, "1 seeds do not fit 2 prompts"),
        ("a", {"guidance_scale": 0.5}, r"guidance is 0\.5"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(
    pipeline: MiniPipeline, prompt: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        pipeline(prompt, **options)


def test_a_lora_of_another_model_gets_a_sentence(pipeline: MiniPipeline) -> None:
    with pytest.raises(LoraError, match=r"other\.to_q"):
        pipeline("a dog", lora=LoraFactors({"other.to_q": Factor(torch.ones(1, 4), torch.ones(4, 1))}))


def test_diffusers_own_loader_takes_the_lora(pipeline: MiniPipeline, tmp_path: Path) -> None:
    lora = random_lora(pipeline)
    base = latents(pipeline, guidance_scale=1.0)
    (tmp_path / "pytorch_lora_weights.safetensors").write_bytes(lora.to_bytes(torch.float32))
    pipeline.load_lora_weights(tmp_path)
    # without a pull of the prompt; with one, the negative is the base for us and the personal model for diffusers
    loaded = latents(pipeline, guidance_scale=1.0)
    pipeline.unload_lora_weights()
    torch.testing.assert_close(loaded, latents(pipeline, lora=lora, guidance_scale=1.0), rtol=1e-3, atol=1e-3)
    assert torch.equal(latents(pipeline, guidance_scale=1.0), base)
