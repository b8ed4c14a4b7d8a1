from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.hyperlora.guidance import BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT, Guidance
from pipelines.hyperlora.sampling import RowDenoiser, branch_conditions, draw
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


def test_the_sketch_is_shown_to_every_branch_and_words_to_those_that_have_them() -> None:
    text = {"tokens": torch.arange(2.0)[:, None] + 1, "sketch": torch.arange(2.0)[:, None] + 5}
    empty = {"tokens": torch.zeros(1, 1), "sketch": torch.full((1, 1), 99.0)}
    conditions = branch_conditions(text, empty, (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT))
    assert conditions["tokens"].flatten().tolist() == [0, 0, 1, 2, 1, 2]
    assert conditions["sketch"].flatten().tolist() == [5, 6, 5, 6, 5, 6]
    # the empty prompt needs no sketch of its own, and a base without sketches gets none
    assert set(branch_conditions(text, {"tokens": empty["tokens"]}, (BASE_EMPTY,))) == {"tokens", "sketch"}
    assert set(branch_conditions({"tokens": text["tokens"]}, empty, (BASE_EMPTY, BASE_TEXT))) == {"tokens"}


def test_guidance_does_not_exaggerate_what_is_sketched() -> None:
    base = TinyBase(sketches=True)
    text, empty = base.encode_text(["one", "one"]), base.encode_text(["one"])
    sketch = base.sketch(["one", "two"])
    weak, strong = (
        draw(RowDenoiser(base, text | sketch, empty, {}), NOISE, Guidance(text=weight), steps=2) for weight in (1, 5)
    )
    # the words are the empty ones, so nothing is left for guidance to pull towards
    for one, other in zip(weak, strong, strict=True):
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), atol=2)
    bare = draw(RowDenoiser(base, text, empty, {}), NOISE, Guidance(text=1), steps=2)
    assert bare[0].tobytes() != weak[0].tobytes()
