from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.mini_clip import MiniClipTextImage
from pipelines.textimage.modeling_mini_clip import MiniClip
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.features.tiny_onnx import write_clip_vision, write_tinyvit


@pytest.fixture
def model(tmp_path: Path) -> MiniClipTextImage:
    heads = MiniClip(image_features=("clip-vision", "tinyvit"), image_dims=(512, 320), text_dim=16, hidden_dim=8)
    encoders = [
        ClipVisionEncoder(write_clip_vision(tmp_path / "clip.onnx")),
        TinyVitEncoder(write_tinyvit(tmp_path / "tinyvit.onnx")),
    ]
    return MiniClipTextImage(heads, encoders, MiniLMTextEncoder(write_minilm(tmp_path / "minilm")))


def test_it_follows_the_protocol(model: MiniClipTextImage) -> None:
    shared: TextImageModel = model
    pictures = [Image.new("RGB", (30, 20), (200, 10, 10)), Image.new("RGBA", (20, 30), (10, 10, 200, 90))]
    images, texts = shared.embed_images(pictures), shared.embed_texts(["a dog", "a cat", "a mug"])
    assert images.shape == (2, 512) and texts.shape == (3, 512)
    assert np.linalg.norm(images, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    logits = shared.similarity(images, texts)
    assert logits.shape == (2, 3)
    assert logits == pytest.approx(images @ texts.T / 0.07, rel=1e-4)


def test_no_pictures_give_no_rows(model: MiniClipTextImage) -> None:
    assert model.embed_images([]).shape == (0, 512)


def test_encoders_must_be_those_of_the_heads(model: MiniClipTextImage) -> None:
    with pytest.raises(ValueError, match=r"trained on \['clip-vision', 'tinyvit'\]"):
        MiniClipTextImage(model.heads, model.image_encoders[::-1], model.text_encoder)


def test_the_text_width_must_be_that_of_the_heads(model: MiniClipTextImage, tmp_path: Path) -> None:
    wider = MiniLMTextEncoder(write_minilm(tmp_path / "wider", width=32))
    with pytest.raises(ValueError, match="16 wide"):
        MiniClipTextImage(model.heads, model.image_encoders, wider)
