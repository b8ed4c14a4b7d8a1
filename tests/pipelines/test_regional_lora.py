from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines.lora import Factor, LoraError, LoraFactors, RowLora, layer_table, stacked
from pipelines.regional_lora import RegionalLora, side_by_side
from tests.pipelines.tiny_denoisers import FAMILIES, TinyDenoiser

LATENTS = {"sd15": (4, 8, 8), "sdxl": (4, 8, 8), "sd3": (4, 8, 8), "flux": (16, 4), "qwen-image": (16, 16)}
LEFT, RIGHT = side_by_side(2).unbind(1)


@pytest.fixture(params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def random_factors(tiny: TinyDenoiser, seed: int, targets: tuple[str, ...] = ("to_q", "to_k", "to_v")) -> LoraFactors:
    draw = torch.Generator().manual_seed(seed)
    layers = {
        spec.name: Factor(
            torch.randn(2, spec.in_features, generator=draw), torch.randn(spec.out_features, 2, generator=draw)
        )
        for spec in layer_table(tiny.model, targets)
    }
    return LoraFactors(layers, component=tiny.component)


@torch.no_grad()
def drawn(tiny: TinyDenoiser, family: str, loras: list[LoraFactors], regions: Tensor, scales: list[float]) -> Tensor:
    shape = (len(scales), *LATENTS[family])
    with RegionalLora(tiny.model, stacked(loras), shape, torch.tensor(scales), regions):
        return tiny.call(len(scales))


@torch.no_grad()
def everywhere(tiny: TinyDenoiser, lora: LoraFactors, scales: list[float]) -> Tensor:
    with RowLora(tiny.model, lora.layers, torch.tensor(scales)):
        return tiny.call(len(scales))


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_region_that_is_everywhere_is_the_lora_itself(family: str) -> None:
    tiny = FAMILIES[family]()
    first, second = random_factors(tiny, 1), random_factors(tiny, 2)
    scales = [1.0, 0.0, 0.4]
    all_first = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8)
    together = drawn(tiny, family, [first, second], all_first, scales)
    torch.testing.assert_close(together, everywhere(tiny, first, scales), rtol=1e-3, atol=1e-3)
    swapped = drawn(tiny, family, [first, second], all_first.flip(1), scales)
    torch.testing.assert_close(swapped, everywhere(tiny, second, scales), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_the_stream_of_the_text_stays_the_bases(family: str) -> None:
    tiny = FAMILIES[family]()
    attention = next(one for one in tiny.model.modules() if hasattr(one, "add_k_proj"))
    read: list[tuple[Tensor, Tensor]] = []
    for scale in (0.0, 1.0):
        scales = torch.tensor([scale, 0.0])
        with RegionalLora(
            tiny.model, stacked([random_factors(tiny, 1)]), (2, *LATENTS[family]), scales, side_by_side(1)
        ):
            handle = attention.register_forward_hook(lambda _, __, output: read.append(output))
            with torch.no_grad():
                tiny.call(2)
            handle.remove()
    (base, base_text), (own, own_text) = read
    torch.testing.assert_close(own_text, base_text, rtol=1e-4, atol=1e-6)
    assert (own[0] - base[0]).abs().max() > 1e-3
    torch.testing.assert_close(own[1], base[1], rtol=1e-4, atol=1e-6)


def test_nothing_is_left_of_it(family: str) -> None:
    tiny = FAMILIES[family]()
    with torch.no_grad():
        base = tiny.call(3)
    loras = [random_factors(tiny, 1), random_factors(tiny, 2)]
    rows = drawn(tiny, family, loras, side_by_side(2), [1.0, 0.0, 0.4])
    torch.testing.assert_close(rows[1], base[1], rtol=1e-4, atol=1e-5)
    assert all((rows[row] - base[row]).abs().max() > 1e-3 for row in (0, 2))
    torch.testing.assert_close(
        drawn(tiny, family, loras, torch.zeros(1, 2, 8, 8), [1.0] * 3), base, rtol=1e-4, atol=1e-5
    )
    with torch.no_grad():
        assert torch.equal(drawn(tiny, family, loras, side_by_side(2), [0.0] * 3), base)
        assert torch.equal(tiny.call(3), base)
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in tiny.model.modules())


def test_the_order_of_the_subjects_does_not_matter(family: str) -> None:
    tiny = FAMILIES[family]()
    loras, regions = [random_factors(tiny, 1), random_factors(tiny, 2)], side_by_side(2)
    forth = drawn(tiny, family, loras, regions, [1.0, 0.5])
    back = drawn(tiny, family, loras[::-1], regions.flip(1), [1.0, 0.5])
    torch.testing.assert_close(forth, back, rtol=1e-4, atol=1e-4)
    exchanged = drawn(tiny, family, loras[::-1], regions, [1.0, 0.5])
    assert (forth - exchanged).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["attn1", "attn2"])
def test_a_place_takes_what_comes_out_under_its_own_lora(kind: str) -> None:
    tiny = FAMILIES["sd15"]()
    path, attention = next((name, one) for name, one in tiny.model.named_modules() if name.endswith(kind))
    loras = [
        LoraFactors({name: f for name, f in random_factors(tiny, seed).layers.items() if name.startswith(path)})
        for seed in (1, 2)
    ]
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 8 * 4, attention.to_q.in_features, generator=draw)
    text = torch.randn(2, 5, 12, generator=draw) if kind == "attn2" else None
    alone = []
    with torch.no_grad():
        for lora in loras:
            with RowLora(tiny.model, lora.layers, torch.ones(2)):
                alone.append(attention(tokens, encoder_hidden_states=text).view(2, 8, 4, -1))
        # latents of 16 × 8: this layer sees them at half their size
        with RegionalLora(tiny.model, stacked(loras), (2, 4, 16, 8), torch.ones(2), side_by_side(2)):
            both = attention(tokens, encoder_hidden_states=text).view(2, 8, 4, -1)
    torch.testing.assert_close(both[:, :, :2], alone[0][:, :, :2], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(both[:, :, 2:], alone[1][:, :, 2:], rtol=1e-4, atol=1e-5)


def test_words_in_front_of_a_picture_are_in_no_region() -> None:
    tiny = FAMILIES["flux"]()
    layers, shape = stacked([random_factors(tiny, 1)]), (1, 6, 4)  # 2 × 3 packed latents
    regional = RegionalLora(tiny.model, layers, shape, torch.ones(1), torch.ones(1, 1, 8, 12))
    assert regional._weights_of(11).flatten().tolist() == [0.0] * 5 + [1.0] * 6
    half = RegionalLora(tiny.model, layers, shape, torch.ones(1), side_by_side(2)[:, :1, :32, :48])
    assert half._weights_of(6).view(2, 3)[0].tolist() == pytest.approx([1.0, 1.0, 0.0])


@pytest.mark.parametrize("size", [(8, 8), (12, 8), (9, 16), (5, 7)])
def test_every_scale_of_a_picture_is_known(size: tuple[int, int]) -> None:
    tiny = FAMILIES["sd15"]()
    regions = side_by_side(2)
    regional = RegionalLora(tiny.model, stacked([random_factors(tiny, 1)] * 2), (1, 4, *size), torch.ones(1), regions)
    for level in range(3):
        height, width = -(-size[0] // 2**level), -(-size[1] // 2**level)
        weights = regional._weights_of(height * width).view(2, height, width)
        torch.testing.assert_close(weights.sum(dim=0), torch.ones(height, width))
        assert weights[0, :, 0].mean() > 0.9 or width == 1
    with pytest.raises(LoraError, match=f"1000 tokens, which are no picture of {size[0]} × {size[1]}"):
        regional._weights_of(1000)


def test_every_row_may_have_regions_of_its_own(family: str) -> None:
    tiny = FAMILIES[family]()
    loras = [random_factors(tiny, 1), random_factors(tiny, 2)]
    regions = torch.cat([side_by_side(2), side_by_side(2).flip(1)])
    rows = drawn(tiny, family, loras, regions, [1.0, 1.0])
    for row in range(2):
        same = drawn(tiny, family, loras, regions[row : row + 1], [1.0, 1.0])
        torch.testing.assert_close(rows[row], same[row], rtol=1e-4, atol=1e-4)


def test_three_share_a_picture_from_left_to_right() -> None:
    regions = side_by_side(3, 6, 6)
    assert regions.shape == (1, 3, 6, 6) and (regions.sum(dim=1) == 1).all()
    assert [regions[0, number, 0].tolist() for number in range(3)] == [
        [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1],
    ]  # fmt: skip


def test_what_does_not_fit_gets_a_sentence() -> None:
    tiny = FAMILIES["sd15"]()
    layers = stacked([random_factors(tiny, 1)])
    with pytest.raises(LoraError, match=r"regions \[1, 2, 64, 64\] do not fit 1 LoRAs in 2 rows"):
        RegionalLora(tiny.model, layers, (2, 4, 8, 8), torch.ones(2), side_by_side(2))
    with pytest.raises(LoraError, match="called with 3 rows for 2 LoRA scales"):
        RegionalLora(tiny.model, layers, (3, 4, 8, 8), torch.ones(2), side_by_side(1))
    with pytest.raises(LoraError, match="7 tokens are no picture"):
        RegionalLora(FAMILIES["flux"]().model, layers, (1, 7, 4), torch.ones(1), side_by_side(1))
