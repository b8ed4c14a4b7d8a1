from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.hyperlora.references import LOOK_DIM
from pipelines.mini.alike import DrawingLooks, look_to_text, most_alike, text_to_look


@pytest.fixture(scope="module")
def tokens() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    found = rng.normal(size=(12, 8)) @ rng.normal(size=(8, LOOK_DIM)) + 0.05 * rng.normal(size=(12, LOOK_DIM))
    return ((found - found.mean(1, keepdims=True)) / found.std(1, keepdims=True)).astype(np.float32)


def test_a_look_travels_as_text(tokens: NDArray[np.float32]) -> None:
    read = text_to_look(look_to_text(tokens[3]))
    assert read is not None and np.corrcoef(read, tokens[3])[0, 1] > 0.999
    assert len(look_to_text(tokens[3])) < 1100


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", look_to_text(np.zeros(LOOK_DIM, np.float32))])
def test_what_is_no_look_is_none(text: str) -> None:
    assert text_to_look(text) is None


def test_every_drawing_is_most_like_itself_as_stored(tokens: NDArray[np.float32], tmp_path: Path) -> None:
    assert DrawingLooks.read(tmp_path) is None
    DrawingLooks.of(tokens, directions=8).save(tmp_path)
    looks = DrawingLooks.read(tmp_path)
    assert looks is not None and looks.looks.shape == (12, 8)
    for place, one in enumerate(tokens):
        read = text_to_look(look_to_text(one))
        assert read is not None
        likeness = looks.likeness(read)
        assert likeness.argmax() == place and likeness[place] == pytest.approx(1, abs=0.02)
    assert (tmp_path / "looks.safetensors").stat().st_size < 12_000


def test_looks_choose_and_meaning_counts_beside() -> None:
    meanings = np.array([0.73, 0.72, 0.0, -np.inf], np.float32)
    assert most_alike(meanings, np.array([0.1, 0.4, 0.6, 0.9], np.float32)) == 1
    assert most_alike(meanings, np.array([0.1, 0.1, 0.6, 0.9], np.float32)) == 2
    assert most_alike(meanings, np.array([0.4, 0.4, 0.6, 0.9], np.float32)) == 0
