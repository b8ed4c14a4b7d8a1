from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.features.text_encoder import MiniLMTextEncoder
from tests.pipelines.features.tiny_minilm import write_minilm


@pytest.fixture
def encoder(tmp_path: Path) -> MiniLMTextEncoder:
    return MiniLMTextEncoder(write_minilm(tmp_path / "minilm"), batch_size=2)


def test_embeddings_have_length_one_and_keep_the_order(encoder: MiniLMTextEncoder) -> None:
    texts = ["a photo of a red dog", "cat", "a blue mug", ""]
    embeddings = encoder.embed(texts)
    assert embeddings.shape == (4, 16)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    for text, embedding in zip(texts, embeddings, strict=True):
        assert encoder.embed([text])[0] == pytest.approx(embedding, abs=1e-5)


def test_tokens_are_padded_to_the_length_and_zero_there(encoder: MiniLMTextEncoder) -> None:
    hidden, mask = encoder.tokens(["a dog", "a photo of a red dog and more words than fit"], 6)
    assert hidden.shape == (2, 6, 16) and mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == [4, 6]
    assert not hidden[0, 4:].any()


def test_mean_of_the_tokens_is_the_embedding(encoder: MiniLMTextEncoder) -> None:
    hidden, mask = encoder.tokens(["a red boot"], 8)
    mean = (hidden.sum(dim=1) / mask.sum(dim=1, keepdim=True)).numpy()[0]
    assert mean / np.linalg.norm(mean) == pytest.approx(encoder.embed(["a red boot"])[0], abs=1e-5)


def test_long_texts_are_cut(encoder: MiniLMTextEncoder) -> None:
    assert np.isfinite(encoder.embed(["dog " * 400])).all()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        MiniLMTextEncoder(tmp_path / "nowhere")
