from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.features.preprocessing import normalise_rows
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.pigeon.attributes import ATTRIBUTES
from pipelines.pigeon.configuration_pigeon import PigeonConfig, StageConfig
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.people import Described, split_of
from pipelines.pigeon.train import HISTORY, prepare
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


def test_people_of_the_train_split_become_data_and_train(corpus: TasteCorpus, tmp_path) -> None:
    base = EmbeddedBase(tiny_pipeline(tmp_path / "minilm", sketches=True), "tiny")
    stage = StageConfig(steps=1, batch=2, learning_rate=1e-3)
    config = PigeonConfig(
        seed=1, people=5, events=60, styles=("noto", "flat"), first=stage, second=stage, log_every=1,
        model={"width": 16, "heads": 2, "blocks": 1, "tokens": 3},
    )  # fmt: skip
    data = prepare(corpus, base, TasteSettings.read(), config)
    wanted = [one for one in corpus.pictures if one.style in config.styles and split_of(one.concept) == "train"]
    assert len(data.features) == len(data.latents) == len(data.references) == len(wanted)
    assert data.references.shape[1:] == (16, base.model.config.out_channels) and data.histories.shape[1] == HISTORY
    for person, liked in enumerate(data.liked):  # what is drawn is never in the history it is drawn from
        assert not set(liked) & set(data.histories[person].tolist())
    assert len(data.pairs) and all(wanted[one].concept == wanted[other].concept for _, one, other in data.pairs)
    assert (PigeonTrainer(base.model, data, config, tmp_path / "run").train() / "encoder").is_dir()
    assert torch.isfinite(data.latents).all()
