from __future__ import annotations

import pytest

from pipelines.resolver import ModelNotFound, resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image


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
