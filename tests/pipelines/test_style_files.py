from __future__ import annotations

import json
import pickle
from datetime import date

import pytest
import torch
from torch import Tensor, nn

from pipelines.lora import Factor, LoraError, LoraFactors, layer_table
from pipelines.lora_files import ADAPTER_CONFIG, LAYOUTS, LoraLabel, export_lora
from pipelines.safetensors_bytes import write_tensors
from pipelines.style_files import StyleFile, diffusers_names, read_style_file
from pipelines.text_to_image import denoiser
from tests.pipelines.tiny_hub_models import TINY

TO_Q = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
FLAT = TO_Q.replace(".", "_")


@pytest.fixture(scope="module")
def unet() -> nn.Module:
    return denoiser(TINY["sd15"]())[1]


def random_lora(model: nn.Module, component: str = "unet") -> LoraFactors:
    draw = torch.Generator().manual_seed(1)
    layers = {
        spec.name: Factor(
            torch.randn(3, spec.in_features, generator=draw), torch.randn(spec.out_features, 3, generator=draw)
        )
        for spec in layer_table(model)
    }
    return LoraFactors(layers, component)


def pair(name: str = f"unet.{TO_Q}", width: int = 16, rank: int = 2, kohya: bool = False) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(2)
    down, up = ("lora_down", "lora_up") if kohya else ("lora_A", "lora_B")
    return {
        f"{name}.{down}.weight": torch.randn(rank, width, generator=draw),
        f"{name}.{up}.weight": torch.randn(width, rank, generator=draw),
    }


def read(tensors: dict[str, Tensor], unet: nn.Module, **metadata: str) -> StyleFile:
    return read_style_file(write_tensors(tensors, metadata), "unet", unet, base="Tiny")


def product(found: StyleFile, name: str = TO_Q) -> Tensor:
    return found.layers[name].up.flatten(1) @ found.layers[name].down.flatten(1)


@pytest.mark.parametrize("family", list(TINY))
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_what_is_exported_here_is_read_to_the_same_numbers(family: str, layout: str) -> None:
    component, model = denoiser(TINY[family]())
    if layout == "kohya" and component != "unet":
        pytest.skip("the kohya layout is for UNets")
    lora = random_lora(model, component)
    label = LoraLabel(trigger="a dog", made=date(2026, 11, 24))
    found = read_style_file(export_lora(lora, layout, label, torch.float32), component, model, base="Tiny")
    assert found.layers.keys() == lora.layers.keys() and not found.left_out
    assert all(torch.equal(found.layers[name].down, lora.layers[name].down) for name in lora.layers)
    assert all(torch.equal(found.layers[name].up, lora.layers[name].up) for name in lora.layers)
    assert (found.trigger, found.title) == ("a dog", "Personal LoRA: a dog")


@pytest.mark.parametrize(
    ("name", "kohya"),
    [
        (f"unet.{TO_Q}", False), (f"base_model.model.{TO_Q}", False), (TO_Q, False), (f"unet.{TO_Q}.lora", None),
        (f"lora_unet_{FLAT}", True), (f"diffusion_model.{TO_Q}", False), (f"unet.{TO_Q}", True),
    ],
)  # fmt: skip
def test_alpha_is_folded_right_under_every_name(unet: nn.Module, name: str, kohya: bool | None) -> None:
    tensors = pair(name, kohya=bool(kohya))
    if kohya is None:  # diffusers before it used peft
        tensors = {key.replace(".lora_A", ".down").replace(".lora_B", ".up"): value for key, value in tensors.items()}
    down, up = tensors.values()
    plain = read(tensors, unet)
    torch.testing.assert_close(product(plain), up @ down)
    with_alpha = read({**tensors, f"{name.removesuffix('.lora')}.alpha": torch.tensor(0.5)}, unet)
    torch.testing.assert_close(product(with_alpha), 0.25 * (up @ down))


def test_the_scale_of_pefts_configuration_counts(unet: nn.Module) -> None:
    tensors = pair(rank=4)
    down, up = tensors.values()

    def scaled(**config: object) -> float:
        text = json.dumps({f"unet.{name}": value for name, value in config.items()})
        return float((product(read(tensors, unet, **{ADAPTER_CONFIG: text})) / (up @ down)).mean())

    assert scaled(r=4, lora_alpha=8) == pytest.approx(2.0)
    assert scaled(r=4, lora_alpha=8, use_rslora=True) == pytest.approx(4.0)
    assert scaled(r=8, lora_alpha=8, rank_pattern={"attn1.to_q": 4}, alpha_pattern={TO_Q: 2}) == pytest.approx(0.5)
    with pytest.raises(LoraError, match="DoRA, which is not supported"):
        scaled(r=4, lora_alpha=4, use_dora=True)
    for wrong in ("no json", "[]", '{"unet.r": 0}', '{"unet.r": "x"}', '{"unet.rank_pattern": 3}'):
        with pytest.raises(LoraError, match="cannot be read"):
            read(tensors, unet, **{ADAPTER_CONFIG: wrong})


def test_diffusers_own_loader_translates_what_is_not_the_models(unet: nn.Module) -> None:
    pipeline = TINY["sdxl"]()
    translate = diffusers_names(type(pipeline), pipeline.unet)
    name = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"  # the block numbers of SDXL's first code
    tensors = {**pair(name, kohya=True), f"{name}.alpha": torch.tensor(1.0)}
    down, up, _ = tensors.values()
    data = write_tensors(tensors, {})
    found = read_style_file(data, "unet", pipeline.unet, base="Tiny", translate=translate)
    torch.testing.assert_close(product(found), 0.5 * (up @ down))
    with pytest.raises(LoraError, match="which is no layer there"):
        read_style_file(data, "unet", pipeline.unet, base="Tiny")


def test_convolutions_are_read_and_1x1_ones_may_be_written_as_linear(unet: nn.Module) -> None:
    proj, conv = "down_blocks.0.attentions.0.proj_in", "down_blocks.0.resnets.0.conv1"
    flat = {name: f"lora_unet_{name.replace('.', '_')}" for name in (proj, conv)}
    found = read(
        {
            f"{flat[proj]}.lora_down.weight": torch.ones(2, 8), f"{flat[proj]}.lora_up.weight": torch.ones(8, 2),
            f"{flat[conv]}.lora_down.weight": torch.ones(2, 8, 3, 3),
            f"{flat[conv]}.lora_up.weight": torch.ones(8, 2, 1, 1),
        },
        unet,
    )  # fmt: skip
    shapes = {name: (tuple(factor.down.shape), tuple(factor.up.shape)) for name, factor in found.layers.items()}
    assert shapes == {proj: ((2, 8, 1, 1), (8, 2, 1, 1)), conv: ((2, 8, 3, 3), (8, 2, 1, 1))}


def test_what_is_left_out_is_said(unet: nn.Module) -> None:
    text = pair("lora_te_text_model_encoder_layers_0_mlp_fc1", kohya=True)
    more = pair("lora_unet_down_blocks_7_attentions_0_proj", kohya=True)
    found = read({**pair(), **text, **more, "emb_params": torch.ones(2, 4)}, unet)
    assert list(found.layers) == [TO_Q]
    assert found.left_out == (
        "the part for the text encoder (1 layers)", "1 layers that the model does not have",
        "1 tensors that are no part of a LoRA",
    )  # fmt: skip


def test_words_of_the_metadata(unet: nn.Module) -> None:
    assert read(pair(), unet).trigger == ""
    tags = json.dumps({"10_x": {"pixel art": 20, "a dog": 3}, "5_y": {"a dog": 4}})
    assert read(pair(), unet, ss_tag_frequency=tags, ss_output_name="pixels").title == "pixels"
    assert read(pair(), unet, ss_tag_frequency=tags).trigger == "pixel art"
    said = {"modelspec.trigger_phrase": "in pixel\n style\x07", "ss_tag_frequency": tags}
    assert read(pair(), unet, **said).trigger == "in pixel style"
    for odd in ("no json", "[]", '{"a": 1}', '{"a": {"b": "x"}}', "[" * 100_000):
        assert read(pair(), unet, ss_tag_frequency=odd).trigger == ""


OTHERS = {
    "Stable Diffusion 1.5": {f"lora_unet_{FLAT.replace('attn1_to_q', 'attn2_to_k')}": (768, 320)},
    "Stable Diffusion 2": {f"lora_unet_{FLAT.replace('attn1_to_q', 'attn2_to_k')}": (1024, 320)},
    "SDXL": {"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k": (2048, 640)},
    "FLUX": {"transformer.single_transformer_blocks.0.attn.to_q": (3072, 3072)},
    "Stable Diffusion 3": {"transformer.transformer_blocks.0.attn.add_q_proj": (1536, 1536)},
    "Qwen-Image": {
        "transformer.transformer_blocks.0.img_mod.1": (64, 64),
        "transformer.transformer_blocks.0.attn.add_q_proj": (64, 64),
    },
}


@pytest.mark.parametrize("base", list(OTHERS))
def test_a_lora_for_another_base_is_refused_by_name(unet: nn.Module, base: str) -> None:
    tensors = {}
    for name, (ins, outs) in OTHERS[base].items():
        tensors[f"{name}.lora_down.weight"] = torch.ones(2, ins)
        tensors[f"{name}.lora_up.weight"] = torch.ones(outs, 2)
    with pytest.raises(LoraError, match=rf"seems to be made for {base}, but the studio draws with Tiny\."):
        read(tensors, unet)


@pytest.mark.parametrize(
    ("metadata", "base"),
    [
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "seems to be made for SDXL"),
        ({"ss_base_model_version": "sd_v1"}, "seems to be made for Stable Diffusion 1.5"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, "seems to be made for FLUX"),
        ({"modelspec.architecture": "Something New"}, "seems to be made for something new"),
        ({}, "was made for another model"),
    ],
)
def test_where_sizes_say_nothing_the_metadata_does(unet: nn.Module, metadata: dict[str, str], base: str) -> None:
    with pytest.raises(LoraError, match=base):
        read(pair(width=24), unet, **metadata)


HEADER = (40).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (pickle.dumps({"a": 1}), "a format that can carry code"),
        (write_tensors(pair(), {})[:60], "not a readable safetensors file"),
        ((2**60).to_bytes(8, "little") + b"{}", "not a readable safetensors file"),
        (HEADER, "not a readable safetensors file"),
        ({f"unet.{TO_Q}.lora_A.weight": torch.full((2, 16), float("nan"))}, "not finite"),
        ({f"unet.{TO_Q}.lora_A.weight": torch.full((2, 16), float("inf"))}, "not finite"),
        ({f"unet.{TO_Q}.lora_A.weight": torch.ones(2, 16)}, "has only its down side"),
        ({**pair(), f"unet.{TO_Q}.lora_B.weight": torch.ones(16, 3)}, r"shapes \[2, 16\] and \[16, 3\]"),
        ({**pair(), f"unet.{TO_Q}.lora_A.weight": torch.ones(16)}, r"shapes \[16\]"),
        ({**pair(), f"unet.{TO_Q}.lora_A.weight": torch.tensor(1.0)}, r"shapes \[\]"),
        ({**pair(), f"unet.{TO_Q}.lora_A.weight": torch.ones(0, 16)}, r"shapes \[0, 16\]"),
        ({**pair(), f"unet.{TO_Q}.alpha": torch.ones(3)}, "one number is needed"),
        (
            {
                **pair(),
                f"unet.{TO_Q}.lora_B.weight": torch.full((16, 2), 9.0),
                f"unet.{TO_Q}.alpha": torch.tensor(3e38),
            },
            "too large to be multiplied",
        ),
        ({"some.weight": torch.ones(3)}, r"holds no LoRA that is known here, such as 'some\.weight'"),
        (pair("lora_te_text_model_encoder_layers_0_mlp_fc1", kohya=True), "adapts the text encoder alone"),
        ({f"lora_unet_{FLAT}.hada_w1_a": torch.ones(2)}, "is a LoHa"),
        ({f"lora_unet_{FLAT}.lokr_w1": torch.ones(2)}, "is a LoKr"),
        ({**pair(), f"lora_unet_{FLAT}.dora_scale": torch.ones(2)}, "is a DoRA"),
        ({**pair(), f"unet.{TO_Q}.lora_magnitude_vector": torch.ones(2)}, "is a DoRA"),
        ({**pair(), f"lora_unet_{FLAT}.lora_mid.weight": torch.ones(2)}, "three factors a layer"),
    ],
)
def test_every_wrong_file_gets_a_sentence(unet: nn.Module, tensors: bytes | dict[str, Tensor], reason: str) -> None:
    data = tensors if isinstance(tensors, bytes) else write_tensors(tensors, {})
    with pytest.raises(LoraError, match=reason):
        read_style_file(data, "unet", unet, base="Tiny")
