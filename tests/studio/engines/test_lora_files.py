from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
import torch

from pipelines.lora import Factor, LoraFactors
from pipelines.lora_files import LAYOUTS
from studio.domain.loras import LoraLayout
from studio.engines.lora_files import SafetensorsLoraFiles
from studio.errors import InvalidInput

MADE = date(2026, 11, 24)


def adapter(component: str = "unet") -> bytes:
    return LoraFactors({"a.to_q": Factor(torch.ones(1, 4), torch.ones(4, 1))}, component).to_bytes()


def test_the_studio_offers_every_layout_there_is() -> None:
    assert set(get_args(LoraLayout)) == set(LAYOUTS)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_is_written(layout: LoraLayout) -> None:
    data = SafetensorsLoraFiles().export(adapter(), layout, trigger="dog", made=MADE)
    assert b"2026-11-24" in data and b"dog" in data


def test_what_does_not_suit_or_is_damaged_gets_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="Choose the diffusers layout"):
        SafetensorsLoraFiles().export(adapter("transformer"), "kohya", trigger="dog", made=MADE)
    with pytest.raises(InvalidInput, match="not a readable safetensors file"):
        SafetensorsLoraFiles().export(b"", "kohya", trigger="dog", made=MADE)
