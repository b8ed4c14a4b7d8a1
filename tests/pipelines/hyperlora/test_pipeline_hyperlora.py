from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.lora import LoraAdapter, LoraFactors, RowLora
from pipelines.mini.alike import text_to_look
from tests.pipelines.hyperlora.tiny_hyperlora import PixelEncoder, cutout, tiny_hyperlora
from tests.pipelines.tiny_denoisers import FAMILIES, TinyDenoiser

RED, BLUE = (220, 20, 20), (20, 20, 220)


@pytest.fixture(params=list(FAMILIES))
def tiny(request: pytest.FixtureRequest) -> TinyDenoiser:
    return FAMILIES[request.param]()


def test_the_prediction_works_in_peft_as_row_by_row(tiny: TinyDenoiser) -> None:
    pipeline = HyperLoraPipeline(tiny_hyperlora(tiny))
    lora = LoraFactors.from_bytes(pipeline.predict([cutout(RED)], PixelEncoder()).to_bytes(torch.float32))
    with torch.no_grad():
        base = tiny.call(2)
        with LoraAdapter(tiny.model, lora):
            injected = tiny.call(2)
        assert not torch.allclose(injected, base, atol=1e-4)
        assert torch.equal(tiny.call(2), base)
        with RowLora(tiny.model, lora.layers, torch.tensor([1.0, 0.0])):
            rows = tiny.call(2)
    torch.testing.assert_close(rows[0], injected[0], rtol=1e-4, atol=1e-4)
    assert torch.equal(rows[1], base[1])


def test_another_subject_is_another_lora_and_order_does_not_matter() -> None:
    pipeline = HyperLoraPipeline(tiny_hyperlora(FAMILIES["sd15"]()))
    one = pipeline([cutout(RED), cutout(BLUE)], PixelEncoder(), {"trigger": "dog"})
    other = pipeline([cutout(BLUE), cutout(RED)], PixelEncoder())
    alone = pipeline([cutout(RED)], PixelEncoder())
    assert one.references == 2 and one.lora.metadata["references"] == "2" and one.lora.metadata["trigger"] == "dog"
    assert text_to_look(one.lora.metadata["look"]) is not None
    for name, factor in one.lora.layers.items():
        torch.testing.assert_close(factor.up, other.lora.layers[name].up, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(factor.up, alone.lora.layers[name].up, atol=1e-4)


def test_save_and_load(tmp_path: Path) -> None:
    pipeline = HyperLoraPipeline(tiny_hyperlora(FAMILIES["sd15"]()))
    pipeline.save_pretrained(tmp_path)
    read = HyperLoraPipeline.from_pretrained(tmp_path)
    factors = read.predict([cutout(RED)], PixelEncoder()).layers
    for name, factor in pipeline.predict([cutout(RED)], PixelEncoder()).layers.items():
        assert torch.equal(factors[name].up, factor.up)


@pytest.mark.parametrize("count", [0, 9])
def test_wrong_number_of_cutouts_gets_a_sentence(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} cut-outs were given; the hypernetwork takes 1 to 8"):
        HyperLoraPipeline(tiny_hyperlora(FAMILIES["sd15"]()))([cutout(RED)] * count, PixelEncoder())


def test_a_cutout_without_subject_gets_a_sentence() -> None:
    pipeline = HyperLoraPipeline(tiny_hyperlora(FAMILIES["sd15"]()))
    with pytest.raises(ValueError, match="wholly transparent"):
        pipeline([Image.new("RGBA", (20, 20))], PixelEncoder())
