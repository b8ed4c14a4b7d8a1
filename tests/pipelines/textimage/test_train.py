from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.textimage.configuration import FitConfig, HeadsConfig, TextImageConfig, TrainingConfig
from pipelines.textimage.drawings import Corpus
from pipelines.textimage.loading import load_kind_recogniser, load_text_image
from pipelines.textimage.train import main, train, write
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.features.tiny_onnx import write_clip_vision
from tests.pipelines.textimage.tiny_corpus import corpus_config, write_corpus


def _config(validation_share: float) -> TrainingConfig:
    return TrainingConfig(
        corpus=corpus_config(validation_share=validation_share),
        heads=HeadsConfig(image_features=("clip-vision",), hidden_dim=8, dropout=0.0),
        fit=FitConfig(
            steps=4,
            batch_size=4,
            learning_rate=0.01,
            weight_decay=0.0,
            anchor_weight=1.0,
            feature_noise=0.0,
            label_smoothing=0.0,
            save_every=2,
            seed=0,
        ),
    )


@pytest.mark.parametrize("validation_share", [0.0, 0.5])
def test_from_drawings_to_a_model_that_can_be_loaded(tmp_path: Path, validation_share: float) -> None:
    models = {"clip-vision": write_clip_vision(tmp_path / "clip.onnx"), "minilm": write_minilm(tmp_path / "minilm")}
    corpus = Corpus(write_corpus(tmp_path / "corpus"), _config(validation_share).corpus)
    heads, recall = train(corpus, _config(validation_share), cache=tmp_path / "cache", find=models.__getitem__)
    assert recall.names == 4 and recall.trials >= 2
    write(heads, tmp_path / "out")
    config = TextImageConfig(kind="mini-clip", model=str(tmp_path / "out"))
    loaded = load_text_image(config, find=models.__getitem__)
    pictures = [corpus.picture_on_ground(row) for row in range(3)]
    assert np.isfinite(loaded.similarity(loaded.embed_images(pictures), loaded.embed_texts(["dog", "cat"]))).all()
    assert load_kind_recogniser(loaded).scale == heads.config.kind_scale


def test_a_configuration_without_a_recipe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "textimage.yaml"
    file.write_text("kind: open-clip\nmodel: ViT-B-16\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--config", str(file), "--data", str(tmp_path)])
    assert "no `training` section" in capsys.readouterr().err
