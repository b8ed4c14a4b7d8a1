from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipelines.lora import COAT, Factor, LoraError, LoraFactors
from pipelines.mini.casting import Actor
from pipelines.mini.dressing import LOOKS, Dresser, TasteDresser
from pipelines.mini.pipeline_mini import MiniPipeline, PersonalSubject
from pipelines.mini.sketching import Sketch
from pipelines.pigeon.conditioning import Taste, TasteAttention
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
        (["a", "b"], {"subjects": [PersonalSubject(cutouts=[None])]}, "1 cut-outs do not fit 2 prompts; give one"),
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


@pytest.fixture(scope="module")
def sketching(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


def cutout(size: tuple[int, int] = (30, 12)) -> Image.Image:
    picture = Image.new("RGBA", (40, 40))
    picture.paste((10, 220, 60, 255), (4, 10, 4 + size[0], 10 + size[1]))
    return picture


PHOTO = PersonalSubject(cutouts=[cutout()])


def pictures(pipeline: MiniPipeline, *arguments: Any) -> list[Image.Image | None]:
    return [None if sketch is None else sketch.picture for sketch in pipeline.sketch(*arguments)]


class Inputs:
    """Notes what the denoiser is shown."""

    def __init__(self, pipeline: MiniPipeline) -> None:
        self.rows: list[Tensor] = []
        self._hook = pipeline.unet.register_forward_pre_hook(lambda _, given: self.rows.append(given[0].clone()))

    def __enter__(self) -> Inputs:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def test_every_branch_of_guidance_is_shown_the_same_sketch(sketching: MiniPipeline) -> None:
    lora = random_lora(sketching)
    with Inputs(sketching) as seen:
        prompts = ["a dog", "a cat"]
        latents(sketching, prompts, seeds=[1, 2], lora=lora, fidelity=0.6, guidance_scale=3.0, num_inference_steps=10)
    dress = Dresser(sketching, lora, fidelity=0.6)
    shown = sketching.encode_sketches(pictures(sketching, prompts, [1, 2], [[Actor(dress=dress)]] * 2))
    assert shown.flatten(1).any(dim=1).all() and not torch.allclose(shown[0], shown[1])
    looks, steps = seen.rows[:2], seen.rows[2:]  # first the two drawings are dressed
    assert {len(rows) for rows in looks} == {LOOKS}
    # no words, the words, the words and the LoRA: two of them at last, all three before
    assert {len(rows) for rows in steps} == {4, 6}
    for rows in steps:
        torch.testing.assert_close(rows[:, 8:], shown.repeat(len(rows) // 2, 1, 1, 1), rtol=1e-4, atol=1e-4)


def test_a_sketched_picture_depends_on_its_own_seed_alone(sketching: MiniPipeline) -> None:
    prompts, seeds = ["a dog, flat style", "two red cats at the beach", "a dog with a cat"], [7, 8, 9]
    given = [None, None, cutout()]
    together = latents(sketching, prompts, seeds=seeds, subjects=[PersonalSubject(cutouts=given)])
    for place in range(3):
        alone = latents(
            sketching, prompts[place], seeds=[seeds[place]], subjects=[PersonalSubject(cutouts=[given[place]])]
        )
        torch.testing.assert_close(alone[0], together[place], rtol=1e-4, atol=1e-4)


def test_the_empty_prompt_comes_without_a_sketch(sketching: MiniPipeline) -> None:
    conditions = sketching.encode_prompt(["a dog", "", "  "])
    assert conditions["sketch"].shape == (3, 8, SIZE // 4, SIZE // 4)
    assert conditions["sketch"].flatten(1).any(dim=1).tolist() == [True, False, False]
    assert sketching.sketch(["a dog", ""])[1] is None


def test_a_denoiser_without_sketches_asks_for_none(pipeline: MiniPipeline) -> None:
    assert set(pipeline.encode_prompt(["a dog"])) == {"encoder_hidden_states", "encoder_attention_mask"}
    assert pipeline.sketch(["a dog"]) == [None]
    # a cut-out changes nothing that it could not see
    torch.testing.assert_close(latents(pipeline, subjects=[PHOTO]), latents(pipeline))


def test_without_a_library_nothing_is_sketched(sketching: MiniPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketching, "library", None)
    assert not sketching.encode_prompt(["a dog"])["sketch"].any()


def test_a_cut_out_stands_where_the_drawing_would(sketching: MiniPipeline) -> None:
    wide, high = (
        pictures(sketching, ["a dog"], [1], [[Actor(cutout=cutout(size))]])[0] for size in ((30, 12), (12, 28))
    )
    assert wide is not None and high is not None and wide.size == (SIZE, SIZE)
    assert np.asarray(wide)[..., 3].any(axis=0).sum() > np.asarray(high)[..., 3].any(axis=0).sum()
    drawn = latents(sketching)
    assert not torch.allclose(latents(sketching, subjects=[PHOTO]), drawn)
    assert torch.equal(latents(sketching, subjects=[PersonalSubject(cutouts=[None])]), drawn)


def test_a_lora_that_counts_dresses_its_thing(sketching: MiniPipeline) -> None:
    lora = LoraFactors(random_lora(sketching).layers, metadata={COAT: "#102030 #ffffff"})
    asked: list[Any] = []
    sketch = sketching.sketch

    def noted(*arguments: Any) -> list[Sketch | None]:
        asked.extend(actor.dress is not None for actors in arguments[2:] for row in actors for actor in row)
        return sketch(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketching, "sketch", noted)
        for options in ({}, {"lora": lora, "fidelity": 0.0}, {"lora": lora, "fidelity": 0.5}):
            latents(sketching, **options)
    assert asked == [False, True]


def test_sketches_are_taken_at_the_size_of_the_denoiser(sketching: MiniPipeline) -> None:
    (sketch,) = pictures(sketching, ["a cat"], [4])
    assert sketch is not None
    encoded = sketching.encode_sketches([None, sketch])
    assert encoded.shape == (2, 8, SIZE // 4, SIZE // 4) and not encoded.requires_grad
    assert not encoded[0].any() and encoded[1].any()
    torch.testing.assert_close(encoded[1], sketching.encode_sketches([sketch])[0], rtol=1e-4, atol=1e-4)


def loras(pipeline: MiniPipeline) -> tuple[LoraFactors, LoraFactors]:
    lora = random_lora(pipeline)
    other = {name: Factor(factor.down.flip(1), -factor.up) for name, factor in lora.layers.items()}
    return lora, LoraFactors(other)


def of_two(lora: LoraFactors, other: LoraFactors, **options: Any) -> list[PersonalSubject]:
    return [PersonalSubject(words="dog", lora=lora, **options), PersonalSubject(words="cat", lora=other, **options)]


def test_each_of_two_loras_counts_in_one_call_a_step(sketching: MiniPipeline) -> None:
    lora, other = loras(sketching)
    prompt, steps = "a dog and a cat", 10
    base = latents(sketching, prompt, num_inference_steps=steps)
    with Inputs(sketching) as seen:
        both = latents(sketching, prompt, subjects=of_two(lora, other), num_inference_steps=steps)
    calls = seen.rows[2:]  # first the two drawings are dressed
    assert {len(rows) for rows in calls} <= {2, 3} and len(calls) <= steps
    again = latents(sketching, prompt, subjects=of_two(lora, other), num_inference_steps=steps)
    swapped = latents(sketching, prompt, subjects=of_two(other, lora), num_inference_steps=steps)
    assert torch.equal(both, again)
    assert not torch.allclose(both, base, atol=1e-3) and not torch.allclose(both, swapped, atol=1e-3)
    assert torch.equal(latents(sketching, prompt, num_inference_steps=steps), base)
    nobody = latents(sketching, prompt, subjects=of_two(lora, other), fidelity=0.0, num_inference_steps=steps)
    plain = [PersonalSubject(words=words) for words in ("dog", "cat")]
    assert torch.equal(nobody, latents(sketching, prompt, subjects=plain, num_inference_steps=steps))


def test_a_picture_of_two_depends_on_its_own_seed_alone(sketching: MiniPipeline) -> None:
    lora, other = loras(sketching)
    prompts, seeds = ["a dog and a cat", "a dog with a cat at the beach", "a cat"], [7, 8, 9]
    together = latents(sketching, prompts, seeds=seeds, subjects=of_two(lora, other))
    for place in range(3):
        alone = latents(sketching, prompts[place], seeds=[seeds[place]], subjects=of_two(lora, other))
        torch.testing.assert_close(alone[0], together[place], rtol=1e-3, atol=1e-3)


def test_a_photo_is_left_to_itself_while_the_other_is_drawn(sketching: MiniPipeline) -> None:
    lora, other = loras(sketching)
    photo = PersonalSubject(words="dog", lora=lora, cutouts=[cutout()])
    without = PersonalSubject(words="dog", cutouts=[cutout()])
    drawn = PersonalSubject(words="cat", lora=other)
    prompt = "a dog and a cat"
    torch.testing.assert_close(
        latents(sketching, prompt, subjects=[photo, drawn]), latents(sketching, prompt, subjects=[without, drawn])
    )
    both = of_two(lora, other, cutouts=[cutout()])
    plain = [PersonalSubject(words=words, cutouts=[cutout()]) for words in ("dog", "cat")]
    assert torch.equal(latents(sketching, prompt, subjects=both), latents(sketching, prompt, subjects=plain))


def test_without_sketches_they_share_the_picture(pipeline: MiniPipeline) -> None:
    lora, other = loras(pipeline)
    forth, back = (
        latents(pipeline, "a dog and a cat", subjects=of_two(*pair)) for pair in ((lora, other), (other, lora))
    )
    assert not torch.allclose(forth, back, atol=1e-3)
    assert not torch.allclose(forth, latents(pipeline, "a dog and a cat"), atol=1e-3)


def taste_of(pipeline: MiniPipeline, count: int = 1, strength: Any = 1.0) -> Taste:
    torch.manual_seed(9)
    attention = TasteAttention(pipeline.unet, tokens=3, width=6)
    for layer in attention.layers.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight)
    return Taste(attention, torch.randn(1, 3, 6).expand(count, -1, -1), strength)


@pytest.mark.parametrize("kind", ["pipeline", "sketching"])
def test_a_taste_counts_as_strongly_as_each_row_says_and_is_gone_afterwards(
    kind: str, request: pytest.FixtureRequest
) -> None:
    pipeline: MiniPipeline = request.getfixturevalue(kind)
    prompts, seeds = ["a dog", "a dog", "a dog"], [7, 7, 7]
    plain = latents(pipeline)
    taste = taste_of(pipeline, 3, torch.tensor([0.0, 0.4, 1.0]))
    drawn = latents(pipeline, prompts, seeds=seeds, taste=taste)
    torch.testing.assert_close(drawn[0], plain[0], rtol=1e-3, atol=1e-3)
    little, much = ((drawn[row] - plain[0]).abs().mean() for row in (1, 2))
    assert min(float(little), float(much)) > 1e-3
    torch.testing.assert_close(latents(pipeline, taste=taste.of(1)), drawn[1:2], rtol=1e-3, atol=1e-3)
    assert torch.equal(latents(pipeline), plain)


def test_a_taste_goes_with_a_personal_lora(pipeline: MiniPipeline) -> None:
    lora, taste = random_lora(pipeline), taste_of(pipeline)
    alone, personal = latents(pipeline, taste=taste), latents(pipeline, lora=lora, fidelity=0.7)
    both = latents(pipeline, lora=lora, fidelity=0.7, taste=taste)
    for other in (alone, personal):
        assert not torch.allclose(both, other, atol=1e-3)


def test_a_taste_dresses_what_is_nobodys_own(sketching: MiniPipeline) -> None:
    lora, taste = random_lora(sketching), taste_of(sketching)
    assert not torch.allclose(latents(sketching, taste=taste), latents(sketching), atol=1e-3)
    assert torch.equal(latents(sketching, "a red dog", taste=taste), latents(sketching, "a red dog"))
    personal = latents(sketching, lora=lora, fidelity=0.7)
    assert torch.equal(latents(sketching, lora=lora, fidelity=0.7, taste=taste), personal)
    asked: list[Any] = []
    sketch = sketching.sketch

    def noted(*arguments: Any) -> list[Sketch | None]:
        asked.extend(arguments[2] if len(arguments) > 2 else ())
        return sketch(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketching, "sketch", noted)
        latents(sketching, lora=lora, fidelity=0.7, taste=taste)
        latents(sketching, taste=taste)
    (own,), (anybodys,) = asked
    assert isinstance(own.dress, Dresser)  # an own thing keeps its looks
    assert isinstance(anybodys.dress, TasteDresser)


def test_tastes_that_do_not_fit_the_prompts_are_refused(pipeline: MiniPipeline) -> None:
    with pytest.raises(ValueError, match="2 tastes do not fit 1 prompts"):
        latents(pipeline, taste=taste_of(pipeline, 2))


def test_a_palette_colours_what_is_nobodys_own(sketching: MiniPipeline) -> None:
    def shown(prompt: str, palette: tuple[str, ...]) -> np.ndarray:
        (sketch,) = sketching.sketch([prompt], [1], [sketching._in_taste(None, palette, 0)])
        assert sketch is not None
        pixels = np.asarray(sketch.picture)
        return pixels[pixels[..., 3] > 128][:, :3].astype(float).mean(axis=0)

    red, green = shown("a dog", ("#d02030",)), shown("a dog", ("#20a040",))
    assert red.argmax() == 0 and green.argmax() == 1
    np.testing.assert_array_equal(shown("a blue dog", ("#d02030",)), shown("a blue dog", ()))  # the words come first
    assert not torch.equal(latents(sketching, palette=("#d02030",)), latents(sketching))


def test_a_palette_that_cannot_be_worn_is_refused(pipeline: MiniPipeline, sketching: MiniPipeline) -> None:
    with pytest.raises(ValueError, match="name colours in the prompt"):
        pipeline("a dog", palette=("#d02030",))
    with pytest.raises(ValueError, match="'red'"):
        sketching("a dog", palette=("red",))
