from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.textimage.kinds import KindRecogniser, calibrated_scale, read_kinds
from pipelines.textimage.loading import KINDS_FILE

COLOURS = {"cherry": (255, 0, 0), "leaf": (0, 255, 0), "sky": (0, 0, 255)}


class ColourTextImage:
    """A text-image model whose joint space is colour; follows the protocol exactly."""

    def embed_images(self, images: Sequence[Image.Image]) -> FloatArray:
        means = np.stack([np.asarray(image.convert("RGB"), np.float32).mean(axis=(0, 1)) for image in images])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        rows = [next(colour for word, colour in COLOURS.items() if word in text) for text in texts]
        return np.array(rows, np.float32) / 255

    def similarity(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        return image_embeddings @ text_embeddings.T * 10


def test_the_best_kinds_come_first_and_scores_are_shares() -> None:
    recogniser = KindRecogniser(ColourTextImage(), list(COLOURS))
    ranked = recogniser.recognise([Image.new("RGB", (4, 4), (200, 60, 0)), Image.new("RGB", (4, 4), (0, 0, 9))], top=2)
    assert [kind for kind, _ in ranked[0]] == ["cherry", "leaf"]
    assert ranked[1][0][0] == "sky"
    assert ranked[0][0][1] > ranked[0][1][1] > 0
    full = recogniser.recognise([Image.new("RGB", (4, 4), (9, 9, 9))], top=3)[0]
    assert sum(score for _, score in full) == pytest.approx(1.0, abs=1e-5)


def test_a_measured_scale_replaces_the_models_own() -> None:
    image = [Image.new("RGB", (4, 4), (200, 60, 0))]
    sharp = KindRecogniser(ColourTextImage(), list(COLOURS), scale=50.0).recognise(image)[0][0][1]
    soft = KindRecogniser(ColourTextImage(), list(COLOURS), scale=1.0).recognise(image)[0][0][1]
    assert sharp > 0.99
    assert soft < 0.6


def test_nothing_to_see_gives_nothing() -> None:
    assert KindRecogniser(ColourTextImage(), list(COLOURS)).recognise([]) == []


def test_one_kind_is_no_choice() -> None:
    with pytest.raises(ValueError, match="1 kinds"):
        KindRecogniser(ColourTextImage(), ["sky"])


def test_the_scale_is_that_of_the_data() -> None:
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-1, 1, (4000, 5)).astype(np.float32)
    odds = np.exp(cosines * 6)
    shares = odds / odds.sum(axis=1, keepdims=True)
    right = [int(rng.choice(5, p=row)) for row in shares]
    assert calibrated_scale(cosines, right) == pytest.approx(6, rel=0.15)


def test_the_shipped_kinds_are_read() -> None:
    kinds = read_kinds(KINDS_FILE)
    assert len(kinds) >= 300
    assert {"dog", "cat", "mug", "backpack", "toy", "shoe", "car", "stuffed animal"} <= set(kinds)


def test_a_kind_named_twice_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kinds.txt"
    file.write_text("# pets\ndog\n\ncat\ndog\n", encoding="utf-8")
    with pytest.raises(ValueError, match="dog more than once"):
        read_kinds(file)
