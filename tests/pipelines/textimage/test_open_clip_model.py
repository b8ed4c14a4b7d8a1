from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import TextImageConfig
from pipelines.textimage.loading import load_text_image

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture
def architecture(tmp_path: Path) -> Iterator[str]:
    """A real open_clip model small enough for a test, known to the library by its name for as long as the test runs."""
    file = tmp_path / "keepsake-tiny.json"
    file.write_text(json.dumps(TINY), encoding="utf-8")
    open_clip.add_model_config(file)
    yield "keepsake-tiny"
    file.unlink()
    open_clip.factory._MODEL_CONFIGS.pop("keepsake-tiny", None)
    open_clip.factory._MODEL_CONFIG_PATHS.remove(file)


def _load(architecture: str) -> TextImageModel:
    torch.manual_seed(0)
    return load_text_image(TextImageConfig(kind="open-clip", model=architecture))


def test_one_line_of_configuration_chooses_it(architecture: str) -> None:
    model = _load(architecture)
    pictures = [Image.new("RGB", (60, 40), (200, 10, 10)), Image.new("RGBA", (20, 30), (10, 10, 200, 90))]
    images, texts = model.embed_images(pictures), model.embed_texts(["a dog", "a cat", "a mug"])
    assert images.shape == (2, 16) and texts.shape == (3, 16)
    assert np.linalg.norm(images, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert model.similarity(images, texts).shape == (2, 3)


def test_weights_can_be_a_local_file(architecture: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(3)
    weights = tmp_path / "tiny.safetensors"
    source = open_clip.create_model(architecture)
    save_file({name: value.contiguous() for name, value in source.state_dict().items()}, weights)
    config = TextImageConfig(kind="open-clip", model=architecture, pretrained=str(weights))
    texts = load_text_image(config).embed_texts(["a dog"])
    expected = source.eval().encode_text(open_clip.get_tokenizer(architecture)(["a dog"]), normalize=True)
    assert texts == pytest.approx(expected.detach().numpy(), abs=1e-5)


def test_a_picture_does_not_depend_on_its_batch(architecture: str) -> None:
    model = _load(architecture)
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(18)]
    assert model.embed_images(pictures)[17] == pytest.approx(model.embed_images(pictures[17:])[0], abs=1e-5)
