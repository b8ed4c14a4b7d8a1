from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT
from pipelines.hyperlora.sampling import RowDenoiser
from pipelines.mini.pipeline_mini import MiniPipeline
from tests.bench.baselines.learning import CLASS, PREDICTED, Run
from tests.bench.baselines.method import Learned
from tests.bench.bench_personalization import Drawer, LearnedDenoiser, Row, costs, framed, rows
from tests.pipelines.mini.tiny_mini import random_lora, tiny_pipeline

PLAIN, HYBRID = Row(name="plain", learned=PREDICTED), Row(name="hybrid", learned=PREDICTED, fidelity=0.7)
GIVEN = [Image.new("RGBA", (40, 30), (32, 192, 64, 255))]
TEXTS, SEEDS_OF_TEXTS = ["a dog, flat style", "a cat, flat style"], [3, 4]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    torch.set_num_threads(1)
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


@pytest.fixture(scope="module")
def base(pipeline: MiniPipeline) -> EmbeddedBase:
    return EmbeddedBase(pipeline, "tiny@0")


def test_all_that_is_learned_is_drawn_both_ways() -> None:
    runs = [Run(rate=rate, prior=prior) for rate in (3e-4, 1e-3) for prior in (True, False)]
    table = rows([100, 800], runs, adapter=True)
    assert len({row.name for row in table}) == len(table)
    checkpoints = [run.at(steps) for steps in (100, 800) for run in runs]
    for learned in (*checkpoints, "inversion", "image conditioning", PREDICTED, "refined"):
        assert {None, 0.7} <= {row.fidelity for row in table if row.learned == learned}
    assert not any(row.learned == "image conditioning" for row in rows([100], runs, adapter=False))


def test_branches_are_those_of_the_lora(base: EmbeddedBase, pipeline: MiniPipeline) -> None:
    lora, text, empty = random_lora(pipeline), base.encode_text(TEXTS), base.encode_text([""])
    shown = {"sketch": torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(2))}
    learned = Learned.of_lora(pipeline.unet, lora)
    latents = torch.randn(6, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    branches = (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)
    known = RowDenoiser(base, text | shown, empty, lora.layers)
    denoiser = LearnedDenoiser(base, text | shown, empty, {}, learned, text | shown)
    with torch.no_grad():
        expected, found = (one(latents, torch.tensor(500.0), branches) for one in (known, denoiser))
    off = (found - expected).abs().mean()  # bfloat16
    assert off < 0.1 * expected.abs().mean()
    assert (found[4:] - found[2:4]).abs().mean() > 5 * off


def test_learned_words_are_read_in_the_personal_branch_alone(base: EmbeddedBase) -> None:
    text, own, empty = (base.encode_text([words]) for words in ("a dog", "a mug dog", ""))
    shown = {"sketch": torch.zeros(1, 8, 4, 4)}
    plain, named = (
        LearnedDenoiser(base, text | shown, empty, {}, Learned(name=name), words | shown)
        for name, words in (("", text), ("mug", own))
    )
    latents = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0)).repeat(3, 1, 1, 1)
    with torch.no_grad():
        one, other = (d(latents, torch.tensor(500.0), (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)) for d in (plain, named))
    torch.testing.assert_close(one[:2], other[:2])
    assert (one[2] - other[2]).abs().max() > 1e-3


def test_rows_are_drawn_from_the_same_noise(base: EmbeddedBase, pipeline: MiniPipeline) -> None:
    drawer, learned = Drawer(base, steps=2, guidance=1.5), Learned.of_lora(pipeline.unet, random_lora(pipeline))

    def drawn(one: Learned, row: Row) -> list[np.ndarray]:
        pictures = drawer.draw(one, row, GIVEN, TEXTS, SEEDS_OF_TEXTS)
        return [np.asarray(picture, float) for picture in pictures]

    base_plain, base_hybrid = drawn(Learned(), PLAIN), drawn(Learned(), HYBRID)
    np.testing.assert_allclose(base_plain, base_hybrid, atol=2)
    assert np.abs(np.array(drawn(learned, PLAIN)) - base_plain).max() > 10
    assert np.abs(np.array(drawn(learned, PLAIN)) - drawn(learned, HYBRID)).max() > 10
    assert all(not module._forward_hooks for module in base.model.modules())


@pytest.mark.parametrize("changed", ["coated", "standing"])
def test_a_reference_changes_the_picture_where_nothing_was_learned(base: EmbeddedBase, changed: str) -> None:
    drawer = Drawer(base, steps=2, guidance=1.5)
    bare, other = (
        drawer.draw(Learned(), Row(name="class", learned=CLASS, **{changed: on}), GIVEN, TEXTS, SEEDS_OF_TEXTS)
        for on in (False, True)
    )
    assert np.abs(np.asarray(bare[0], float) - np.asarray(other[0], float)).max() > 10


def test_what_stands_there_is_not_pulled_by_words() -> None:
    guidance = Row(name="as in a photo", learned=CLASS, standing=True).guidance(3.0)
    assert guidance.coefficients(0.0) == {PERSONAL_TEXT: 1.0}


def test_costs_are_of_one_learning() -> None:
    found = costs(Learned(seconds=3.0, memory=2**22, size=4096))
    assert found == {"seconds": 3.0, "memory MB": 4.0, "file KB": 4.0}


def test_a_reference_is_framed_like_a_drawing() -> None:
    cutout = Image.new("RGBA", (400, 300))
    cutout.paste((200, 0, 0, 255), (100, 50, 140, 70))
    picture = framed(cutout, (64, 64))
    assert picture.size == (64, 64) and picture.getchannel("A").getbbox() == (4, 18, 60, 46)
