from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.features.image_encoders import (
    ClipVisionEncoder,
    DinoV2Encoder,
    ImageEncoder,
    TinyVitEncoder,
    load_image_encoder,
)
from tests.pipelines.features.tiny_onnx import write_clip_vision, write_dinov2, write_tinyvit


@pytest.fixture(params=["clip-vision", "tinyvit", "dinov2"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> ImageEncoder:
    write = {"clip-vision": write_clip_vision, "tinyvit": write_tinyvit, "dinov2": write_dinov2}[request.param]
    return load_image_encoder(request.param, write(tmp_path / "tiny.onnx"))


def _pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(3)
    return [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in range(count)]


def test_embeddings_have_length_one_and_tokens_their_shape(encoder: ImageEncoder) -> None:
    pictures = [*_pictures(9), Image.new("RGBA", (10, 10), (200, 10, 10, 128))]
    embeddings = encoder.embed(pictures)
    assert embeddings.shape == (10, encoder.dim) and embeddings.dtype == np.float32
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(10), abs=1e-5)
    assert encoder.tokens(pictures[:2]).shape == (2, encoder.token_count, encoder.token_dim)


def test_a_feature_does_not_depend_on_its_neighbours(encoder: ImageEncoder) -> None:
    pictures = _pictures(3)
    assert encoder.embed(pictures)[1] == pytest.approx(encoder.embed(pictures[1:2])[0], abs=1e-5)


def test_one_pass_gives_both(encoder: ImageEncoder) -> None:
    pictures = _pictures(3)
    embeddings, tokens = encoder.embed_and_tokens(pictures)
    assert np.array_equal(embeddings, encoder.embed(pictures))
    assert np.array_equal(tokens, encoder.tokens(pictures))


def test_no_pictures_give_empty_arrays(encoder: ImageEncoder) -> None:
    assert encoder.embed([]).shape == (0, encoder.dim)
    embeddings, tokens = encoder.embed_and_tokens([])
    assert len(embeddings) == 0 and tokens.shape == (0, encoder.token_count, encoder.token_dim)


def test_the_class_token_comes_first(tmp_path: Path) -> None:
    encoder = ClipVisionEncoder(write_clip_vision(tmp_path / "tiny.onnx"))
    tokens = encoder.tokens([Image.new("RGB", (224, 224), (90, 20, 200))])[0]
    assert np.ptp(tokens[1:], axis=0).max() < 1e-3
    assert np.abs(tokens[0] - tokens[1]).max() > 0.1


def test_a_cut_out_is_pooled_over_its_subject(tmp_path: Path) -> None:
    encoder = DinoV2Encoder(write_dinov2(tmp_path / "tiny.onnx"))
    cutout = Image.new("RGBA", (224, 224))
    cutout.paste((250, 5, 5, 255), (0, 0, 56, 56))
    whole = encoder.embed([Image.new("RGB", (224, 224), (250, 5, 5))])
    assert float((encoder.embed([cutout]) @ whole.T)[0, 0]) == pytest.approx(1.0, abs=1e-3)


def test_a_wholly_transparent_picture_still_has_a_feature(tmp_path: Path) -> None:
    encoder = DinoV2Encoder(write_dinov2(tmp_path / "tiny.onnx"))
    assert np.isfinite(encoder.embed([Image.new("RGBA", (30, 30))])).all()


def test_an_unknown_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'eyes'.*clip-vision"):
        load_image_encoder("eyes", tmp_path)


def test_threads_do_not_change_the_feature(tmp_path: Path) -> None:
    file = write_tinyvit(tmp_path / "tiny.onnx")
    picture = _pictures(1)
    one, two = TinyVitEncoder(file).embed(picture), TinyVitEncoder(file, threads=2).embed(picture)
    assert one == pytest.approx(two, abs=1e-5)
