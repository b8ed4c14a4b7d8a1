from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.lora import ATTENTION_TARGETS
from tests.bench.baselines.dreambooth_lora import RARE, DreamBoothConfig, DreamBoothLora
from tests.bench.baselines.method import Learned, called
from tests.bench.baselines.own_rows import OwnRows, diffusion_error
from tests.pipelines.mini.tiny_mini import tiny_pipeline

CONFIG = DreamBoothConfig(targets=ATTENTION_TARGETS, rank=4, checkpoints=(1, 40), learning_rate=3e-2, warmup=4)
COAT = ("#dc2828",)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedBase:
    torch.set_num_threads(1)
    return EmbeddedBase(tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True), "tiny@0")


def thing() -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    picture.paste((220, 40, 40, 255), (16, 8, 48, 56))
    return picture


def learn(base: EmbeddedBase, config: DreamBoothConfig = CONFIG) -> dict[int, Learned]:
    return DreamBoothLora(base, config).learn([thing()], "dog", COAT)


@torch.no_grad()
def error(base: EmbeddedBase, learned: Learned, rows: OwnRows, name: str) -> float:
    batch = rows.draw(64, torch.Generator().manual_seed(5))
    text = base.encode_text([called(rows.captions[place], name) for place in batch.captions])
    with learned.adapting(torch.ones(64)):
        return float(diffusion_error(base, batch, text, torch.Generator().manual_seed(6)))


def test_it_draws_the_thing_better_and_the_base_stays_as_it_is(base: EmbeddedBase) -> None:
    weights = {name: value.clone() for name, value in base.model.state_dict().items()}
    learned = learn(base)
    assert list(learned) == [1, 40]
    state = base.model.state_dict()
    assert state.keys() == weights.keys() and all(torch.equal(state[name], value) for name, value in weights.items())
    own = OwnRows.of(base, [thing()], "dog", COAT)
    before, after = (error(base, one, own, RARE) for one in (Learned(), learned[40]))
    assert after < 0.95 * before
    assert 0 < learned[1].seconds < learned[40].seconds
    assert learned[40].name == RARE and learned[1].size == learned[40].size > 0


def test_the_same_seed_learns_the_same(base: EmbeddedBase) -> None:
    own, config = OwnRows.of(base, [thing()], "dog", COAT), replace(CONFIG, checkpoints=(5,))
    errors = [error(base, learn(base, replace(config, seed=seed))[5], own, RARE) for seed in (1, 1, 2)]
    assert errors[0] == errors[1] != errors[2]


def test_the_class_is_kept_by_its_drawings(base: EmbeddedBase) -> None:
    of_class = OwnRows.of_class(base, "dog")
    without, kept = (learn(base, replace(CONFIG, prior=prior))[40] for prior in (0, 2))
    assert error(base, kept, of_class, "") < error(base, without, of_class, "")
