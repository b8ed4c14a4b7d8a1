from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.references import TOKEN_COUNT, TOKEN_DIM
from pipelines.lora import RowLora, layer_table
from tests.pipelines.hyperlora.tiny_hyperlora import SIZES, tiny_hyperlora
from tests.pipelines.tiny_denoisers import FAMILIES, TinyDenoiser


@pytest.fixture(params=list(FAMILIES))
def tiny(request: pytest.FixtureRequest) -> TinyDenoiser:
    return FAMILIES[request.param]()


def references(rows: int = 2, count: int = 3) -> torch.Tensor:
    return torch.randn(rows, count, TOKEN_COUNT, TOKEN_DIM, generator=torch.Generator().manual_seed(1))


def test_predicts_factors_for_every_layer_of_the_table(tiny: TinyDenoiser) -> None:
    output = tiny_hyperlora(tiny)(references(), torch.ones(2, 3))
    table = layer_table(tiny.model)
    assert list(output.layers) == [spec.name for spec in table]
    for spec in table:
        down, up = output.layers[spec.name]
        assert down.shape == (2, 2, spec.in_features) and up.shape == (2, spec.out_features, 2)
    torch.testing.assert_close(output.down.square().sum(-1), torch.ones(output.down.shape[:-1]))


def test_untrained_it_is_the_base_model(tiny: TinyDenoiser) -> None:
    model = HyperLora.for_model(tiny.model, component=tiny.component, **SIZES)
    with torch.no_grad():
        base = tiny.call(2)
        with RowLora(tiny.model, model(references(), torch.ones(2, 3)).layers, torch.ones(2)):
            assert torch.equal(tiny.call(2), base)


def test_untrained_it_has_a_gradient_to_start_from(tiny: TinyDenoiser) -> None:
    tiny.model.requires_grad_(False)
    model = HyperLora.for_model(tiny.model, component=tiny.component, **SIZES)
    with RowLora(tiny.model, model(references(), torch.ones(2, 3)).layers, torch.ones(2)):
        tiny.call(2).square().mean().backward()
    assert model.to_up.weight.grad.abs().sum() > 0


def test_order_of_references_does_not_matter() -> None:
    model, tokens = tiny_hyperlora(FAMILIES["sd15"]()), references()
    mask = torch.tensor([[True, True, True], [True, False, True]])
    order = [2, 0, 1]
    torch.testing.assert_close(model(tokens, mask).up, model(tokens[:, order], mask[:, order]).up, rtol=1e-4, atol=1e-5)


def test_masked_references_do_not_count() -> None:
    model, tokens = tiny_hyperlora(FAMILIES["sd15"]()), references()
    changed = tokens.clone()
    changed[:, 1:] = 7
    mask = torch.tensor([[True, False, False]] * 2)
    torch.testing.assert_close(model(tokens, mask).up, model(changed, mask).up)
    torch.testing.assert_close(model(tokens, mask).up, model(tokens[:, :1], mask[:, :1]).up, rtol=1e-4, atol=1e-5)
    nobody = model(tokens, torch.zeros(2, 3)).up
    torch.testing.assert_close(nobody[0], nobody[1])
    assert nobody.isfinite().all()


def test_shared_bases_belong_to_a_size() -> None:
    tiny = FAMILIES["sdxl"]()
    model = tiny_hyperlora(tiny, shared_bases=True)
    table = layer_table(tiny.model)
    assert len(model.down_bases) == len({spec.in_features for spec in table})
    assert model(references(), torch.ones(2, 3)).layers.keys() == {spec.name for spec in table}


def test_targets_are_chosen() -> None:
    tiny = FAMILIES["sd15"]()
    model = HyperLora.for_model(tiny.model, ["attn2.to_v"], **SIZES)
    assert {name.split(".")[-2] for name, _, _ in model.config.layers} == {"attn2"}


def test_another_one_is_started_from_layer_by_layer() -> None:
    tiny = FAMILIES["sd15"]()
    old = HyperLora.for_model(tiny.model, ("to_q", "to_v"), component=tiny.component, **SIZES)
    torch.nn.init.normal_(old.to_up.weight)
    new = HyperLora.for_model(tiny.model, ("to_k", "to_v"), component=tiny.component, **SIZES)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    new.start_from(old)
    torch.testing.assert_close(new.embed.weight, old.embed.weight)
    names = [[spec[0] for spec in model.config.layers] for model in (new, old)]
    for place, name in enumerate(names[0]):
        if name in names[1]:
            there = names[1].index(name)
            assert torch.equal(new.down_bases[f"layer_{place}"], old.down_bases[f"layer_{there}"])
            assert torch.equal(new.layer_queries[place], old.layer_queries[there])
        else:
            assert torch.equal(new.up_bases[f"layer_{place}"], fresh[f"up_bases.layer_{place}"])
    assert all(not factor.up.any() for factor in new(references(), torch.ones(2, 3)).layers.values())


def test_save_and_load(tmp_path: Path) -> None:
    model = tiny_hyperlora(FAMILIES["sdxl"](), base_model="tiny@1")
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    read = HyperLora.from_pretrained(tmp_path)
    assert read.config.base_model == "tiny@1"
    assert torch.equal(read(references(), torch.ones(2, 3)).up, model(references(), torch.ones(2, 3)).up)


@pytest.mark.parametrize(
    ("tokens", "mask", "sentence"),
    [
        (torch.zeros(1, 1, 3, TOKEN_DIM), torch.ones(1, 1), r"shape \[1, 1, 3, 832\]; \[rows, references, 50, 832\]"),
        (torch.zeros(1, 2, TOKEN_COUNT, TOKEN_DIM), torch.ones(1, 1), r"mask \[1, 1\] does not fit"),
        (torch.zeros(1, 9, TOKEN_COUNT, TOKEN_DIM), torch.ones(1, 9), "9 references are too many; at most 8"),
    ],
)
def test_wrong_input_gets_a_sentence(tokens: torch.Tensor, mask: torch.Tensor, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        tiny_hyperlora(FAMILIES["sd15"]())(tokens, mask)
