from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.features.image_encoders import TinyVitEncoder
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.textimage import feature_cache
from pipelines.textimage.drawings import Corpus
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.features.tiny_onnx import write_tinyvit
from tests.pipelines.textimage.tiny_corpus import corpus_config, write_corpus


def test_shards_are_read_back_and_only_missing_ones_made(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(feature_cache, "SHARD", 4)
    corpus = Corpus(write_corpus(tmp_path / "corpus"), corpus_config())
    encoder = TinyVitEncoder(write_tinyvit(tmp_path / "tiny.onnx"))
    features = feature_cache.image_features(corpus, encoder, tmp_path / "cache")
    assert features.shape == (10, 320)
    shards = sorted((tmp_path / "cache").rglob("*.npy"))
    assert len(shards) == 3
    np.save(shards[0], np.zeros((4, 320), np.float32))
    shards[1].unlink()
    again = feature_cache.image_features(corpus, encoder, tmp_path / "cache")
    assert not again[:4].any() and np.array_equal(again[4:], features[4:])


def test_texts_are_cached_by_their_words(tmp_path: Path) -> None:
    encoder = MiniLMTextEncoder(write_minilm(tmp_path / "minilm"))
    first = feature_cache.text_features(["dog", "cat"], encoder, tmp_path / "cache")
    other = feature_cache.text_features(["cat", "dog"], encoder, tmp_path / "cache")
    assert np.allclose(first, other[::-1], atol=1e-6)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
