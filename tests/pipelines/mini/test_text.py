from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertModel, PreTrainedTokenizerBase

from pipelines.mini.loading import load_text_encoder
from pipelines.mini.text import encode_tokens
from tests.pipelines.features.tiny_minilm import write_minilm

Encoder = tuple[BertModel, PreTrainedTokenizerBase]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_text_encoder(write_minilm(tmp_path_factory.mktemp("minilm")))


def test_features_are_zero_at_padding(encoder: Encoder) -> None:
    features, mask = encode_tokens(*encoder, ["a red dog", ""], 8)
    assert (features.shape, features.dtype, mask.dtype) == ((2, 8, 16), torch.float32, torch.bool)
    assert mask.sum(dim=1).tolist() == [5, 2]  # with the marks at both ends
    assert not features[~mask].any()
    assert features[mask].abs().sum(dim=1).all()


def test_a_text_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    alone, _ = encode_tokens(*encoder, ["a dog"], 8)
    beside, _ = encode_tokens(*encoder, ["a dog", "a photo of a red cat style"], 8)
    torch.testing.assert_close(alone[0], beside[0])


def test_long_texts_are_cut(encoder: Encoder) -> None:
    features, mask = encode_tokens(*encoder, ["a dog " * 40], 8)
    assert features.shape[1] == 8 and mask.all()


def test_nothing_is_trained(encoder: Encoder, tmp_path: Path) -> None:
    assert not any(parameter.requires_grad for parameter in encoder[0].parameters())
    assert not encode_tokens(*encoder, ["a dog"], 8)[0].requires_grad
