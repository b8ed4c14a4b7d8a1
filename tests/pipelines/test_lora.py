from __future__ import annotations

import json
import pickle

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from pipelines.lora import Factor, LoraAdapter, LoraError, LoraFactors, RowLora, layer_table, product_square, stacked
from tests.pipelines.tiny_denoisers import FAMILIES, TinyDenoiser

RANK = 3


def random_factors(tiny: TinyDenoiser, seed: int, strength: float = 0.5) -> LoraFactors:
    draw = torch.Generator().manual_seed(seed)
    layers = {
        spec.name: Factor(
            torch.randn(RANK, spec.in_features, generator=draw) * strength,
            torch.randn(spec.out_features, RANK, generator=draw) * strength,
        )
        for spec in layer_table(tiny.model)
    }
    return LoraFactors(layers, component=tiny.component, metadata={"origin": "test"})


@pytest.fixture(params=list(FAMILIES))
def tiny(request: pytest.FixtureRequest) -> TinyDenoiser:
    return FAMILIES[request.param]()


def call(tiny: TinyDenoiser, rows: int = 3) -> Tensor:
    with torch.no_grad():
        return tiny.call(rows)


def test_layer_table_reads_names_and_sizes_from_the_model(tiny: TinyDenoiser) -> None:
    table = layer_table(tiny.model)
    assert len({spec.name for spec in table}) == len(table)
    for spec in table:
        linear = tiny.model.get_submodule(spec.name)
        assert (linear.in_features, linear.out_features) == (spec.in_features, spec.out_features)


def test_layer_table_takes_endings() -> None:
    table = layer_table(FAMILIES["sd15"]().model, ["attn2.to_v"])
    assert table
    assert all(spec.name.endswith(".attn2.to_v") and spec.in_features == 12 for spec in table)


def test_layer_table_names_a_target_that_is_not_there() -> None:
    with pytest.raises(LoraError, match="UNet2DConditionModel has no linear layer whose name ends in one of to_x"):
        layer_table(FAMILIES["sd15"]().model, ["to_x"])


def test_layer_table_is_the_same_while_an_adapter_is_in(tiny: TinyDenoiser) -> None:
    before = layer_table(tiny.model)
    with LoraAdapter(tiny.model, random_factors(tiny, 1)):
        assert layer_table(tiny.model) == before


def test_eject_leaves_the_model_as_it_was(tiny: TinyDenoiser) -> None:
    before, modules = call(tiny), [type(module) for module in tiny.model.modules()]
    with LoraAdapter(tiny.model, random_factors(tiny, 1)):
        assert not torch.allclose(call(tiny), before, atol=1e-4)
    assert torch.equal(call(tiny), before)
    assert [type(module) for module in tiny.model.modules()] == modules
    assert all(parameter.requires_grad for parameter in tiny.model.parameters())


def test_an_adapter_beside_another_adds_to_it_and_leaves_it() -> None:
    tiny = FAMILIES["sd15"]()
    first, second = random_factors(tiny, 1, 0.2), random_factors(tiny, 2, 0.2)
    both = {
        name: Factor(torch.cat([a.down, b.down]), torch.cat([a.up, b.up], 1))
        for (name, a), b in zip(first.layers.items(), second.layers.values(), strict=True)
    }
    with LoraAdapter(tiny.model, LoraFactors(both)):
        expected = call(tiny)
    with LoraAdapter(tiny.model, first, name="style"):
        alone = call(tiny)
        with LoraAdapter(tiny.model, second):
            torch.testing.assert_close(call(tiny), expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(call(tiny), alone)


def test_every_row_equals_its_own_injected_lora(tiny: TinyDenoiser) -> None:
    personal = [random_factors(tiny, seed) for seed in range(3)]
    stacked = {
        name: Factor(
            torch.stack([f.layers[name].down for f in personal]), torch.stack([f.layers[name].up for f in personal])
        )
        for name in personal[0].layers
    }
    base = call(tiny)
    with RowLora(tiny.model, stacked, torch.tensor([1.0, 0.0, 0.4])):
        rows = call(tiny)
    assert torch.equal(rows[1], base[1])
    for row, scale in ((0, 1.0), (2, 0.4)):
        with LoraAdapter(tiny.model, personal[row], scale=scale):
            torch.testing.assert_close(rows[row], call(tiny)[row], rtol=1e-4, atol=1e-4)
    assert torch.equal(call(tiny), base)


def test_loras_of_several_people_in_one_call_are_each_as_if_alone(tiny: TinyDenoiser) -> None:
    first, second = random_factors(tiny, 1), random_factors(tiny, 2)
    fewer = LoraFactors(
        {name: Factor(f.down[:1], f.up[:, :1]) for name, f in list(second.layers.items())[::2]}, tiny.component
    )
    base = call(tiny)
    with RowLora(tiny.model, stacked([first, None, fewer]), torch.ones(3)):
        rows = call(tiny)
    for row, lora in ((0, first), (2, fewer)):
        with LoraAdapter(tiny.model, lora):
            torch.testing.assert_close(rows[row], call(tiny)[row], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(rows[1], base[1], rtol=1e-5, atol=1e-5)
    assert torch.equal(call(tiny), base)


def test_loras_of_different_models_are_not_stacked() -> None:
    one = LoraFactors({"a": Factor(torch.ones(1, 3), torch.ones(4, 1))})
    other = LoraFactors({"a": Factor(torch.ones(1, 5), torch.ones(4, 1))})
    with pytest.raises(LoraError, match="different sizes at a"):
        stacked([one, other])


def test_rows_may_share_factors(tiny: TinyDenoiser) -> None:
    factors = random_factors(tiny, 5)
    with LoraAdapter(tiny.model, factors):
        injected = call(tiny)
    with RowLora(tiny.model, factors.layers, torch.ones(3)):
        torch.testing.assert_close(call(tiny), injected, rtol=1e-4, atol=1e-4)


def test_row_lora_is_differentiable_in_the_factors() -> None:
    tiny = FAMILIES["sd15"]()
    tiny.model.requires_grad_(False)
    layers = {
        name: Factor(f.down.repeat(2, 1, 1).requires_grad_(), f.up.repeat(2, 1, 1).requires_grad_())
        for name, f in random_factors(tiny, 1).layers.items()
    }
    with RowLora(tiny.model, layers, torch.tensor([1.0, 0.0])):
        tiny.call(2).square().mean().backward()
    for factor in layers.values():
        assert factor.up.grad is not None and factor.down.grad is not None
        assert factor.up.grad[0].abs().sum() > 0 and factor.up.grad[1].abs().sum() == 0


def test_row_lora_refuses_other_row_counts() -> None:
    tiny = FAMILIES["sd15"]()
    with (
        RowLora(tiny.model, random_factors(tiny, 1).layers, torch.ones(2)),
        pytest.raises(LoraError, match="3 rows for 2 LoRA scales"),
    ):
        call(tiny, 3)
    stacked = {name: Factor(f.down[None], f.up[None]) for name, f in random_factors(tiny, 1).layers.items()}
    with pytest.raises(LoraError, match="factors for 1 rows, but there are 2 scales"):
        RowLora(tiny.model, stacked, torch.ones(2)).__enter__()


def test_bytes_round_trip(tiny: TinyDenoiser) -> None:
    factors = random_factors(tiny, 1)
    read = LoraFactors.from_bytes(factors.to_bytes(torch.float32))
    assert (read.component, read.metadata["origin"]) == (tiny.component, "test")
    assert read.layers.keys() == factors.layers.keys()
    for name, factor in factors.layers.items():
        assert torch.equal(read.layers[name].down, factor.down) and torch.equal(read.layers[name].up, factor.up)
    key = f"{tiny.component}.{next(iter(factors.layers))}.lora_A.weight"
    assert load(factors.to_bytes())[key].dtype == torch.float16


def test_the_same_lora_always_gives_the_same_bytes() -> None:
    factors = random_factors(FAMILIES["sd15"](), 1)
    notes = {f"key {number}": f"wert ü {number}" for number in range(9)}
    data = LoraFactors(factors.layers, metadata=notes).to_bytes()
    assert (
        LoraFactors(dict(reversed(factors.layers.items())), metadata=dict(reversed(notes.items()))).to_bytes() == data
    )
    assert LoraFactors.from_bytes(data).metadata == {"format": "pt", **notes}


def test_norm_is_that_of_the_products() -> None:
    factors = random_factors(FAMILIES["sd15"](), 1)
    products = [(f.up @ f.down).square().sum() for f in factors.layers.values()]
    assert factors.norm() == pytest.approx(float(torch.stack(products).sum().sqrt()), rel=1e-5)
    assert factors.scaled(0.5).norm() == pytest.approx(factors.norm() / 2, rel=1e-5)
    batch = Factor(torch.randn(4, 2, 6), torch.randn(4, 5, 2))
    torch.testing.assert_close(product_square(batch), (batch.up @ batch.down).square().sum((1, 2)))


def test_factors_of_another_model_get_a_sentence() -> None:
    tiny = FAMILIES["sd15"]()
    name = layer_table(tiny.model)[0].name
    wrong = LoraFactors({name: Factor(torch.ones(2, 7), torch.ones(8, 2))})
    with pytest.raises(LoraError, match=r"is for 7 → 8 at .*but the model has 8 → 8"):
        LoraAdapter(tiny.model, wrong).inject()
    with pytest.raises(LoraError, match=r"adapts no\.such, which this UNet2DConditionModel does not have"):
        LoraFactors({"no.such": Factor(torch.ones(2, 7), torch.ones(8, 2))}).check_fits(tiny.model)
    with pytest.raises(LoraError, match="adapts conv_in, which is a Conv2d"):
        LoraFactors({"conv_in": Factor(torch.ones(2, 7), torch.ones(8, 2))}).check_fits(tiny.model)


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"unet.a.lora_A.weight": torch.ones(2, 3)}, "Layer a of the LoRA has only lora_A"),
        (
            {"unet.a.lora_A.weight": torch.ones(2, 3), "unet.a.lora_B.weight": torch.ones(4, 5)},
            r"shapes \[2, 3\] and \[4, 5\]",
        ),
        (
            {"unet.a.lora_A.weight": torch.full((2, 3), torch.nan), "unet.a.lora_B.weight": torch.ones(4, 2)},
            "not finite",
        ),
        ({"lora_unet_a.lora_down.weight": torch.ones(2, 3)}, "only diffusers' names"),
        ({}, "holds no layers"),
        (
            {"unet.a.lora_A.weight": torch.ones(0, 3), "unet.a.lora_B.weight": torch.ones(4, 0)},
            r"shapes \[0, 3\] and \[4, 0\]",
        ),
        ({"unet.a.lora_A.weight": torch.ones(2, 3, dtype=torch.int32)}, "int32 instead of floating-point numbers"),
        (
            {f"{part}.a.lora_{side}.weight": torch.ones(1, 1) for part in ("unet", "transformer") for side in "AB"},
            "for several models at once",
        ),
    ],
)
def test_a_wrong_file_gets_a_sentence(tensors: dict[str, Tensor], sentence: str) -> None:
    with pytest.raises(LoraError, match=sentence):
        LoraFactors.from_bytes(save(tensors))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not this", json.dumps({"a": 1}).encode(), pickle.dumps({"a": 1})])
def test_another_kind_of_file_gets_a_sentence(data: bytes) -> None:
    with pytest.raises(LoraError, match="not a readable safetensors file"):
        LoraFactors.from_bytes(data)
