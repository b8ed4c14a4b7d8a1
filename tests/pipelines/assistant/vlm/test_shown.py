from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.assistant.vlm.configuration_vlm import PicturesConfig
from pipelines.assistant.vlm.depicted import Corpus
from pipelines.assistant.vlm.shown import EDGE, as_drawn, as_photo, prepared
from tests.pipelines.assistant.vlm.tiny_vlm import TAGS, WIDTH, MeanColours, write_corpus

RED = np.zeros((32, 32, 4), np.uint8)
RED[8:24, 8:24] = (230, 30, 30, 255)


def test_a_drawing_stands_on_white() -> None:
    shown = np.asarray(as_drawn(RED))
    assert shown[0, 0].tolist() == [255, 255, 255] and shown[16, 16].tolist() == [230, 30, 30]


def test_a_photographed_drawing_lies_where_it_is_said_to() -> None:
    picture, (left, top, right, bottom) = as_photo(RED, [RED], np.random.default_rng(0))
    again, _ = as_photo(RED, [RED], np.random.default_rng(0))
    assert picture.size == (EDGE, EDGE) and np.array_equal(picture, again)
    middle = np.asarray(picture)[int((top + bottom) / 2 * EDGE), int((left + right) / 2 * EDGE)]
    assert middle[0] > 2 * middle[1]
    opaque = np.full((32, 32, 4), 255, np.uint8)
    assert as_photo(opaque, [], np.random.default_rng(0))[1] == (0.0, 0.0, 1.0, 1.0)


def test_what_the_encoder_gave_is_kept(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = PicturesConfig(counts={"index": 2, "scenes": 1}, groups=("animals",), photographed=0.5, seed=1)
    kept = tmp_path / "kept" / "train"
    corpus = Corpus(tmp_path)
    first = prepared(corpus, config, "train", MeanColours, None, kept)
    again = prepared(corpus, config, "train", lambda: pytest.fail("it looked again"), None, kept)
    assert first.shows == again.shows and first.tags == again.tags == (TAGS[0],) * 3
    assert first.tokens.shape == (3, 4, WIDTH) and torch.equal(first.tokens, again.tokens)
    owls = prepared(corpus, config, "train", MeanColours, {"owl"}, tmp_path / "kept" / "owls")
    assert [one.kind for one in owls.shows] == ["owl"]
