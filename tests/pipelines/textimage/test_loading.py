from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.resolver import ModelNotFound, resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, TextImageConfig, load_config
from pipelines.textimage.loading import load_text_image, version_of


def test_the_shipped_model_tells_a_red_square_from_a_green_one() -> None:
    from PIL import Image

    try:
        for name in ("clip-vision", "tinyvit", "minilm"):
            resolve(name, offline=True)
    except ModelNotFound as missing:
        pytest.skip(f"needs the fetched encoders: {missing}")
    model = load_text_image(load_config(DEFAULT_CONFIG))
    squares = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green")]
    logits = model.similarity(model.embed_images(squares), model.embed_texts(["a red square", "a green square"]))
    assert logits[0, 0] - logits[1, 0] > logits[0, 1] - logits[1, 1]


def test_a_version_names_kind_and_weights(tmp_path: Path) -> None:
    ours = load_config(DEFAULT_CONFIG)
    versions = []
    for content in (b"one", b"other"):
        (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(content)
        versions.append(version_of(ours, find=lambda name: tmp_path))
    assert versions[0] != versions[1] and all(version.startswith("mini-clip:") for version in versions)
    theirs = TextImageConfig(kind="open-clip", model="ViT-B-16", pretrained="openai")
    assert version_of(theirs) == "open-clip:ViT-B-16:openai"
