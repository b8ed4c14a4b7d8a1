from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline, UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor

from pipelines.lora import Factor, LoraAdapter, LoraError, LoraFactors, RowLora, layer_table
from pipelines.lora_files import LAYOUTS, LoraLabel, architecture, export_lora
from pipelines.safetensors_bytes import payload, read_tensors
from tests.pipelines.tiny_hub_models import TEXT, TINY

LABEL = LoraLabel(trigger="a dog", made=date(2026, 11, 24))
# The patterns by which AUTOMATIC1111 turns a UNet's names into its own, and InvokeAI knows that it is one.
KNOWN_BLOCKS = re.compile(r"lora_unet_(down_blocks_\d+|mid_block|up_blocks_\d+)_attentions_\d+_.+")


def random_lora(unet: torch.nn.Module, rank: int = 3, component: str = "unet", **notes: str) -> LoraFactors:
    draw = torch.Generator().manual_seed(1)
    layers = {
        spec.name: Factor(
            torch.randn(rank + number % 2, spec.in_features, generator=draw),
            torch.randn(spec.out_features, rank + number % 2, generator=draw) * 0.2,
        )
        for number, spec in enumerate(layer_table(unet))
    }
    return LoraFactors(layers, component, notes)


def called(pipeline: DiffusionPipeline) -> Tensor:
    draw = torch.Generator().manual_seed(2)
    unet = pipeline.unet
    text = torch.randn(2, 5, unet.config.cross_attention_dim, generator=draw)
    added = {"text_embeds": torch.randn(2, TEXT, generator=draw), "time_ids": torch.ones(2, 6)}
    with torch.no_grad():
        return unet(torch.randn(2, 4, 8, 8, generator=draw), torch.tensor(300), text, added_cond_kwargs=added).sample


def metadata(data: bytes) -> dict[str, str]:
    return read_tensors(data)[1]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_diffusers_own_loader_reads_both_layouts_to_the_same_picture(family: str, layout: str, tmp_path: Path) -> None:
    pipeline = TINY[family]()
    lora = random_lora(pipeline.unet)
    base = called(pipeline)
    with LoraAdapter(pipeline.unet, lora):
        expected = called(pipeline)
    with RowLora(pipeline.unet, lora.layers, torch.ones(2)):
        torch.testing.assert_close(called(pipeline), expected, rtol=1e-4, atol=1e-4)
    (tmp_path / "bo.safetensors").write_bytes(export_lora(lora, layout, LABEL, torch.float32))
    pipeline.load_lora_weights(tmp_path, weight_name="bo.safetensors")
    assert not torch.allclose(expected, base, atol=1e-2)
    torch.testing.assert_close(called(pipeline), expected, rtol=1e-4, atol=1e-4)
    adapted = {name for name, module in pipeline.unet.named_modules() if hasattr(module, "lora_A")}
    assert adapted == set(lora.layers)
    pipeline.unload_lora_weights()
    # weights that lie elsewhere in memory may take another CPU kernel
    torch.testing.assert_close(called(pipeline), base, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_the_diffusers_layout_is_read_for_transformers_too(family: str, tmp_path: Path) -> None:
    pipeline = TINY[family]()
    lora = random_lora(pipeline.transformer, component="transformer")
    (tmp_path / "bo.safetensors").write_bytes(export_lora(lora, "diffusers", LABEL, torch.float32))
    pipeline.load_lora_weights(tmp_path, weight_name="bo.safetensors")
    for name, factor in lora.layers.items():
        module = pipeline.transformer.get_submodule(name)
        assert torch.equal(module.lora_A["default_0"].weight[: factor.rank], factor.down)
        assert module.scaling["default_0"] == 1.0
    with pytest.raises(LoraError, match=r"adapts a transformer\. Choose the diffusers layout"):
        export_lora(lora, "kohya", LABEL)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_kohya_names_are_those_that_other_programs_look_up(family: str) -> None:
    unet = TINY[family]().unet
    lora = random_lora(unet)
    tensors, _ = read_tensors(export_lora(lora, "kohya", LABEL))
    # ComfyUI makes its table from the names of diffusers' weights, dots as underscores
    table = {f"lora_unet_{name.replace('.', '_')}" for name, _ in unet.named_modules()}
    stems = {key.partition(".")[0] for key in tensors}
    assert stems <= table and len(stems) == len(lora.layers)
    assert all(KNOWN_BLOCKS.fullmatch(stem) for stem in stems)
    for stem in stems:
        down, up = tensors[f"{stem}.lora_down.weight"], tensors[f"{stem}.lora_up.weight"]
        assert down.dtype == torch.float16 and down.shape[0] == up.shape[1]
        assert float(tensors[f"{stem}.alpha"]) == down.shape[0]
    assert len(tensors) == 3 * len(stems)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_the_metadata_say_what_it_is_and_nobodys_name(layout: str) -> None:
    lora = random_lora(TINY["sd15"]().unet, base_model="mini@1", references="2")
    data = export_lora(lora, layout, LABEL)
    said = metadata(data)
    assert said["modelspec.sai_model_spec"] == "1.0.0"
    assert said["modelspec.title"] == "Personal LoRA: a dog"
    assert said["modelspec.trigger_phrase"] == "a dog"
    assert said["modelspec.architecture"] == "mini@1/lora"
    assert said["modelspec.date"] == "2026-11-24"
    digest = hashlib.sha256(payload(data)).hexdigest()
    assert (said["modelspec.hash_sha256"], said["sshs_model_hash"]) == (f"0x{digest}", digest)
    assert said["references"] == "2"
    assert export_lora(lora, layout, LABEL) == data


def test_an_unlabelled_lora_says_less() -> None:
    said = metadata(export_lora(random_lora(TINY["sd15"]().unet), "kohya", LoraLabel()))
    assert said["modelspec.title"] == "Personal LoRA"
    assert not {"modelspec.trigger_phrase", "modelspec.date", "modelspec.architecture"} & said.keys()


def test_pefts_configuration_travels_along(tmp_path: Path) -> None:
    lora = random_lora(TINY["sd15"]().unet)
    (tmp_path / "f.safetensors").write_bytes(export_lora(lora, "diffusers", LABEL))
    with safe_open(tmp_path / "f.safetensors", "pt") as file:
        config = json.loads(file.metadata()["lora_adapter_metadata"])
    assert config["unet.r"] == config["unet.lora_alpha"] == 4
    assert set(config["unet.target_modules"]) == set(lora.layers)
    assert LoraFactors.from_bytes((tmp_path / "f.safetensors").read_bytes()).layers.keys() == lora.layers.keys()


@pytest.mark.parametrize(
    ("width", "channels", "spec", "kohya"),
    [
        (768, (320, 640, 1280), "stable-diffusion-v1/lora", "sd_v1"),
        (2048, (320, 640, 1280), "stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0"),
    ],
)
def test_a_known_base_is_told_from_its_sizes(width: int, channels: tuple[int, ...], spec: str, kohya: str) -> None:
    xl = width == 2048
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            block_out_channels=channels,
            down_block_types=("DownBlock2D" if xl else "CrossAttnDownBlock2D", *["CrossAttnDownBlock2D"] * 2),
            up_block_types=(*["CrossAttnUpBlock2D"] * 2, "UpBlock2D" if xl else "CrossAttnUpBlock2D"),
            layers_per_block=1,
            attention_head_dim=8,
            cross_attention_dim=width,
        )
    lora = random_lora(unet, rank=1, base_model="somebody/fine-tune")
    said = metadata(export_lora(lora, "kohya", LABEL))
    assert said["modelspec.architecture"] == spec
    assert said["ss_base_model_version"] == kohya


def test_a_base_of_other_sizes_is_not_taken_for_a_known_one() -> None:
    odd = Factor(torch.ones(1, 768), torch.ones(100, 1))
    assert architecture(LoraFactors({"mid_block.attn2.to_k": odd})) is None
    assert architecture(LoraFactors({"mid_block.attn1.to_k": odd})) is None


def test_what_cannot_be_written_gets_a_sentence() -> None:
    lora = random_lora(TINY["sd15"]().unet)
    with pytest.raises(LoraError, match="no layout 'zip'; choose one of diffusers, kohya"):
        export_lora(lora, "zip", LABEL)
    with pytest.raises(LoraError, match=r"too large for torch\.float16"):
        export_lora(lora.scaled(1e6), "kohya", LABEL)
