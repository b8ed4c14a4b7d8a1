from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.features.preprocessing import normalise_rows
from pipelines.textimage.configuration import FitConfig, HeadsConfig
from pipelines.textimage.drawings import Corpus
from pipelines.textimage.text_pool import TextPool
from pipelines.textimage.training import Fit, TrainingSet
from tests.pipelines.textimage.tiny_corpus import corpus_config, write_corpus

HEADS = HeadsConfig(image_features=("clip-vision",), hidden_dim=16, dropout=0.1)


@pytest.fixture
def data(tmp_path: Path) -> TrainingSet:
    drawings = Corpus(write_corpus(tmp_path / "corpus"), corpus_config()).drawings
    rng = np.random.default_rng(0)
    pool = TextPool(drawings)
    concepts = sorted({drawing.concept for drawing in drawings})
    centres = rng.standard_normal((len(concepts), 12))
    images = [centres[concepts.index(drawing.concept)] + 0.1 * rng.standard_normal(12) for drawing in drawings]
    texts = rng.standard_normal((len(pool.texts), 9))
    return TrainingSet(images=normalise_rows(np.stack(images)), texts=normalise_rows(texts), pool=pool)


def _config(**changes: float) -> FitConfig:
    settings = {
        "steps": 30,
        "batch_size": 8,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "anchor_weight": 1.0,
        "feature_noise": 0.05,
        "label_smoothing": 0.0,
        "save_every": 10,
        "seed": 3,
        **changes,
    }
    return FitConfig.model_validate(settings)


def _fit(data: TrainingSet, **changes: float) -> Fit:
    return Fit(data, HEADS, _config(**changes), (12,))


def test_the_loss_falls(data: TrainingSet) -> None:
    fit = _fit(data)
    losses = [fit.advance() for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_the_same_seed_gives_the_same_heads(data: TrainingSet) -> None:
    first, second = (_fit(data).run().state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_stopped_fit_goes_on_as_if_it_had_not_stopped(data: TrainingSet, tmp_path: Path) -> None:
    unbroken = _fit(data).run().state_dict()
    stopped = _fit(data)
    for _ in range(13):
        stopped.advance()
    stopped.save(tmp_path / "fit.safetensors")
    resumed = _fit(data)
    assert resumed.resume(tmp_path / "fit.safetensors")
    assert resumed.step == 13
    again = resumed.run().state_dict()
    assert all(torch.allclose(unbroken[name], again[name], atol=1e-6) for name in unbroken)


def test_another_recipe_starts_anew(data: TrainingSet, tmp_path: Path) -> None:
    _fit(data).save(tmp_path / "fit.safetensors")
    other = _fit(data, learning_rate=0.02)
    assert not other.resume(tmp_path / "fit.safetensors")
    assert not other.resume(tmp_path / "nothing.safetensors")
    assert other.step == 0


def test_the_state_is_kept_on_the_way(data: TrainingSet, tmp_path: Path) -> None:
    _fit(data).run(tmp_path / "deep" / "fit.safetensors")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["fit.safetensors"]


def test_a_strong_anchor_keeps_the_image_head_near_the_identity(data: TrainingSet) -> None:
    def moved(anchor_weight: float) -> float:
        model = _fit(data, anchor_weight=anchor_weight).run()
        images = torch.from_numpy(data.images)
        with torch.no_grad():
            return float(1 - (model.project_images(images) * model.anchor(images)).sum(dim=1).mean())

    assert moved(30.0) < 0.3 * moved(0.0)


def test_the_text_head_starts_near_the_pictures_its_texts_are_true_of(data: TrainingSet) -> None:
    model = _fit(data).model.eval()
    rows, numbers = data.pool.pairs()
    with torch.no_grad():
        texts = model.project_texts(torch.from_numpy(data.texts))[numbers]
        anchors = model.anchor(torch.from_numpy(data.images))[rows]
    assert float((texts * anchors).sum(dim=1).mean()) > float((texts * anchors.roll(7, 0)).sum(dim=1).mean()) + 0.2
