from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.features.preprocessing import normalise_rows
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.pigeon.attributes import ATTRIBUTES
from pipelines.pigeon.configuration_pigeon import PigeonConfig, StageConfig
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import VERSIONS, TasteCorpus
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.people import Described, split_of
from pipelines.pigeon.train import HISTORY, _most_liked, _parted, prepare
from pipelines.pigeon.training import PigeonTrainer
from tests.pipelines.mini.tiny_mini import SIZE, tiny_pipeline

COUNT = 120


@pytest.fixture
def corpus() -> TasteCorpus:
    numbers = np.random.default_rng(0)
    pictures = tuple(
        Described(
            concept=f"thing{number // 6}",
            style=("noto", "flat", "glossy")[number % 3],
            colour=("red", "blue")[number % 2],
            subject=("food", "animals")[number // 6 % 2],
        )
        for number in range(COUNT)
    )
    features = PictureFeatures(
        numbers.random((COUNT, len(ATTRIBUTES)), np.float32), normalise_rows(numbers.normal(size=(COUNT, 9)))
    )
    drawings = numbers.integers(0, 256, (COUNT, SIZE, SIZE, 4), dtype=np.uint8)
    captions = tuple(f"a {('dog', 'cat')[number % 2]}" for number in range(COUNT))
    return TasteCorpus(np.arange(COUNT), pictures, captions, features, drawings)


class Looker:
    """Features without an encoder: mean colours for looks."""

    name, dim = "mean-colours", 9

    def embed(self, images) -> np.ndarray:
        means = [np.asarray(one.convert("RGB").resize((3, 1)), np.float32).ravel() - 99.5 for one in images]
        return normalise_rows(np.stack(means))


@pytest.fixture
def drawn(corpus: TasteCorpus, tmp_path) -> TasteCorpus:
    places = _parted(corpus, PigeonConfig(seed=1, drawings=6, styles=("noto", "flat")))[1]
    return corpus.in_every_colour(places, FeatureExtractor(Looker()), tmp_path)


def test_people_of_the_train_split_become_data_and_train(corpus: TasteCorpus, drawn: TasteCorpus, tmp_path) -> None:
    base = EmbeddedBase(tiny_pipeline(tmp_path / "minilm", sketches=True), "tiny")
    stage = StageConfig(steps=1, batch=2, learning_rate=1e-3)
    config = PigeonConfig(
        seed=1, people=5, events=60, first=stage, second=stage, log_every=1,
        model={"width": 16, "heads": 2, "blocks": 1, "tokens": 3},
    )  # fmt: skip
    data = prepare(corpus, drawn, base, TasteSettings.read(), config)
    assert len(data.latents) == len(data.references) == len(drawn) == 6 * VERSIONS
    assert len(data.features) == len(drawn) + len(corpus)
    assert data.references.shape[1:] == (16, base.model.config.out_channels) and data.histories.shape[1] == HISTORY
    histories = data.histories[data.histories >= 0]
    assert histories.min() >= len(drawn)  # what is drawn is in nobody's history
    sketches = data.conditions["sketch"].unflatten(0, (-1, VERSIONS))
    assert torch.equal(sketches[:, 0], sketches[:, -1])  # a sketch does not tell which version is to be drawn
    assert len(data.pairs) and all(one // VERSIONS == other // VERSIONS for _, one, other in data.pairs)
    assert (PigeonTrainer(base.model, data, config, tmp_path / "run").train() / "encoder").is_dir()
    assert torch.isfinite(data.latents).all()


def test_people_see_none_of_the_drawings_that_are_drawn(corpus: TasteCorpus) -> None:
    config = PigeonConfig(seed=1, drawings=6, styles=("noto", "flat"))
    seen, places = _parted(corpus, config)
    assert len(places) == 6 and not set(seen) & set(places)
    assert {corpus.pictures[place].style for place in places} <= set(config.styles)
    assert {corpus.pictures[place].style for place in seen} == {"noto", "flat", "glossy"}
    assert all(split_of(corpus.pictures[place].concept) == "train" for place in (*seen, *places))


def test_the_version_liked_most_is_drawn_where_it_makes_a_difference() -> None:
    welcome = np.array([[0.1, 0.9, 0.5], [0.4, 0.4, 0.5], [0.2, 0.9, 0.9]])
    first, last = _most_liked(welcome, np.random.default_rng(0))
    assert first == 1 and last in (7, 8)


def test_an_untrained_mask_generator_stays_as_it_was(corpus: TasteCorpus, drawn: TasteCorpus, tmp_path) -> None:
    base = EmbeddedBase(tiny_pipeline(tmp_path / "minilm", sketches=True), "tiny")
    stage = StageConfig(steps=2, batch=2, learning_rate=1e-2)
    config = PigeonConfig(
        seed=1, people=5, events=60, mask_learns=False, first=stage, second=stage,
        model={"width": 16, "heads": 2, "blocks": 1, "tokens": 3},
    )  # fmt: skip
    run = PigeonTrainer(base.model, prepare(corpus, drawn, base, TasteSettings.read(), config), config, tmp_path)
    before = [value.clone() for value in run.model.encoder.mask_encoder.parameters()]
    run.train()
    assert all(torch.equal(*both) for both in zip(before, run.model.encoder.mask_encoder.parameters(), strict=True))
