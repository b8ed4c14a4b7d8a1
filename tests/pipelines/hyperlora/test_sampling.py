from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.lora import Factor, layer_table
from tests.pipelines.hyperlora.tiny_base import TinyBase


@pytest.fixture
def base() -> TinyBase:
    torch.set_num_threads(1)
    return TinyBase()


def denoiser(base: TinyBase, layers: dict[str, Factor]) -> RowDenoiser:
    return RowDenoiser(base, base.encode_text(["one", "two"]), base.encode_text([""]), layers)


def layers(base: TinyBase, rows: int) -> dict[str, Factor]:
    make = torch.Generator().manual_seed(4)
    return {
        spec.name: Factor(
            torch.randn(rows, 2, spec.in_features, generator=make),
            torch.randn(rows, spec.out_features, 2, generator=make),
        )
        for spec in layer_table(base.model)
    }


NOISE = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def test_every_row_is_drawn_as_if_alone(base: TinyBase) -> None:
    both = layers(base, 2)
    first = {name: Factor(factor.down[0], factor.up[0]) for name, factor in both.items()}
    guidance = Guidance(text=3, subject=2)
    together = draw(denoiser(base, both), NOISE, guidance, steps=2)
    shared = draw(denoiser(base, first), NOISE, guidance, steps=2)
    assert together[0].size == (16, 16)
    np.testing.assert_allclose(np.asarray(together[0], float), np.asarray(shared[0], float), atol=1)
    assert together[1].tobytes() != shared[1].tobytes()


def test_without_lora_or_fidelity_it_is_the_base_model(base: TinyBase) -> None:
    plain = draw(denoiser(base, {}), NOISE, Guidance(text=3, subject=3), steps=2)
    dialled_down = draw(denoiser(base, layers(base, 2)), NOISE, Guidance(text=3, subject=0), steps=2)
    assert [picture.tobytes() for picture in plain] == [picture.tobytes() for picture in dialled_down]
