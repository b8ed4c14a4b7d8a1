from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.hyperlora.guidance import Branch, Guidance
from pipelines.hyperlora.sampling import draw
from pipelines.mini.dressing import AdaptedDresser
from tests.bench.baselines.image_conditioning import AdapterDenoiser, ImageConditioning
from tests.pipelines.hyperlora.tiny_base import TinyBase
from tests.pipelines.hyperlora.tiny_hyperlora import tiny_hyperlora
from tests.pipelines.mini.tiny_mini import SIZE, tiny_pipeline
from tests.pipelines.tiny_denoisers import stable_diffusion

SIZES = {"width": 16, "heads": 2, "latents": 3, "resampler_blocks": 1, "tokens": 4}
NOISE = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
REFERENCES = torch.randn(2, 2, 50, 832, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def base() -> TinyBase:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return TinyBase()


def trained(base: TinyBase) -> ImageConditioning:
    """An adapter whose values have been moved away from zero."""
    torch.manual_seed(1)
    adapter = ImageConditioning.for_model(base.model, **SIZES).eval()
    for layer in adapter.cross.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight)
    return adapter


@torch.no_grad()
def tokens(adapter: ImageConditioning, mask: tuple[tuple[int, int], ...] = ((1, 1), (1, 1))) -> torch.Tensor:
    return adapter(REFERENCES, torch.tensor(mask))


@torch.no_grad()
def predict(base: TinyBase) -> torch.Tensor:
    return base.predict(NOISE, torch.tensor([500.0, 20.0]), base.encode_text(["one", "two"]))


def test_it_begins_at_the_base_and_leaves_it_as_it_was(base: TinyBase) -> None:
    plain, processors = predict(base), base.model.attn_processors
    adapter = ImageConditioning.for_model(base.model, **SIZES)
    names = [name for name in processors if ".attn2." in name]
    assert names and [name for name, *_ in adapter.config.layers] == names
    with adapter.reading(base.model, tokens(adapter), torch.ones(2)):
        assert torch.allclose(predict(base), plain, atol=1e-6)
    assert base.model.attn_processors == processors and torch.equal(predict(base), plain)


def test_only_its_own_weights_are_trained(base: TinyBase) -> None:
    base.model.requires_grad_(False)
    adapter = ImageConditioning.for_model(base.model, **SIZES)
    conditions = base.encode_text(["one", "two"])
    with adapter.reading(base.model, adapter(REFERENCES, torch.ones(2, 2)), torch.ones(2)):
        base.predict(NOISE, torch.tensor([500.0, 20.0]), conditions).square().mean().backward()
    assert all(layer.to_v_ip[0].weight.grad.any() for layer in adapter.cross.values())
    assert all(value.grad is None for value in base.model.parameters())


def test_every_row_has_its_own_scale(base: TinyBase) -> None:
    adapter, plain = trained(base), predict(base)
    with adapter.reading(base.model, tokens(adapter), torch.ones(2)):
        full = predict(base)
    with adapter.reading(base.model, tokens(adapter), torch.tensor([0.0, 1.0])):
        mixed = predict(base)
    assert torch.allclose(mixed[0], plain[0], atol=1e-6) and torch.allclose(mixed[1], full[1], atol=1e-6)
    assert (full[0] - plain[0]).abs().max() > 1e-3
    with adapter.reading(base.model, tokens(adapter), torch.tensor([0.5, 1.0])):
        half = predict(base)
    changes = [(made[0] - plain[0]).abs().mean() for made in (mixed, half, full)]
    assert changes[0] < changes[1] < changes[2]


def test_neither_order_nor_what_is_masked_matters(base: TinyBase) -> None:
    adapter = trained(base)
    first = tokens(adapter, ((1, 0), (1, 1)))
    with torch.no_grad():
        swapped = adapter(REFERENCES.flip(1), torch.tensor([[0, 1], [1, 1]]))
    torch.testing.assert_close(first, swapped, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first[0], tokens(adapter)[0], atol=1e-3)


def test_branches_of_guidance_are_rows_of_one_call(base: TinyBase) -> None:
    adapter = trained(base)
    text, empty = base.encode_text(["one", "two"]), base.encode_text([""])
    denoiser = AdapterDenoiser(base, text, empty, {}, adapter, tokens(adapter))
    branches = (Branch(text=False, lora_scale=0.0), Branch(text=True, lora_scale=0.5))
    with torch.no_grad():
        both = denoiser(NOISE.repeat(2, 1, 1, 1), torch.tensor(500.0), branches)
        each = [denoiser(NOISE, torch.tensor(500.0), (branch,)) for branch in branches]
    torch.testing.assert_close(both, torch.cat(each), rtol=1e-4, atol=1e-5)
    plain = draw(dataclasses.replace(denoiser, tokens=denoiser.tokens.flip(0)), NOISE, Guidance(text=2.0), steps=2)
    weak, strong = (draw(denoiser, NOISE, Guidance(text=2.0, subject=s), steps=2) for s in (0.0, 2.0))
    assert [picture.tobytes() for picture in plain] == [picture.tobytes() for picture in weak]
    assert [picture.tobytes() for picture in weak] != [picture.tobytes() for picture in strong]


def test_it_can_read_as_a_hypernetwork_does(base: TinyBase) -> None:
    hyperlora = tiny_hyperlora(stable_diffusion())
    adapter = ImageConditioning.for_model(base.model, **SIZES)
    queries = adapter.layer_queries.detach().clone()
    adapter.start_from(hyperlora)
    for name in ("embed.weight", "positions", "resampler.0.cross.to_q.weight", "decoder.0.feed.net.2.weight"):
        assert torch.equal(adapter.state_dict()[name], hyperlora.state_dict()[name])
    assert torch.equal(adapter.layer_queries, queries)
    assert not any(layer.to_v_ip[0].weight.any() for layer in adapter.cross.values())
    with pytest.raises(RuntimeError, match="size mismatch"):
        ImageConditioning.for_model(base.model, **SIZES | {"width": 32}).start_from(hyperlora)


def test_it_is_saved_and_read_again(base: TinyBase, tmp_path: Path) -> None:
    adapter = trained(base)
    adapter.save_pretrained(tmp_path)
    again = ImageConditioning.from_pretrained(tmp_path)
    torch.testing.assert_close(tokens(again), tokens(adapter))
    for name, layer in adapter.cross.items():
        assert torch.equal(again.cross[name].to_v_ip[0].weight, layer.to_v_ip[0].weight)


def test_it_dresses_drawings(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    pipeline = tiny_pipeline(tmp_path, sketches=True)
    torch.manual_seed(1)
    adapter = ImageConditioning.for_model(pipeline.unet, **SIZES).eval()
    drawing = np.zeros((SIZE, SIZE, 4), np.uint8)
    drawing[2:14, 2:14] = (220, 60, 60, 255)
    found = tokens(adapter)[0]

    def dressed(subject: torch.Tensor) -> np.ndarray:
        return AdaptedDresser(pipeline, adapter.adapted(pipeline.unet, subject), ())(drawing, "a dog")

    plain = dressed(found)
    for layer in adapter.cross.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight, std=3.0)
    one, two = dressed(found), dressed(-found)
    assert np.array_equal(one[..., 3], drawing[..., 3])
    assert not np.array_equal(plain, one) and not np.array_equal(one, two)


def test_one_subject_adapts_the_base_in_all_rows(base: TinyBase) -> None:
    adapter, plain = trained(base), predict(base)
    found = []
    for subject in tokens(adapter):
        with adapter.adapted(base.model, subject)(torch.tensor([0.0, 1.0])):
            found.append(predict(base))
    for made in found:
        assert torch.allclose(made[0], plain[0], atol=1e-6) and not torch.allclose(made[1], plain[1], atol=1e-3)
    assert not torch.allclose(found[0][1], found[1][1], atol=1e-3)
