from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.textimage.drawings import Corpus
from pipelines.textimage.text_pool import TextPool
from tests.pipelines.textimage.tiny_corpus import corpus_config, write_corpus


@pytest.fixture
def pool(tmp_path: Path) -> TextPool:
    # rows: 0 dog, 1 cat, 2 mug, 3 boot (flat); 4–7 the same (comic); 8 blue dog; 9 cat at night
    return TextPool(Corpus(write_corpus(tmp_path / "corpus"), corpus_config()).drawings)


def _truths(pool: TextPool, row: int, text: str, others: list[int]) -> list[bool]:
    rows = np.array([row, *others])
    texts = np.full(len(rows), pool.texts.index("thing"))
    texts[0] = pool.texts.index(text)
    truths: list[bool] = pool.true(rows, texts)[:, 0].tolist()
    return truths


def test_a_name_is_true_of_every_hand_recolour_and_scene(pool: TextPool) -> None:
    assert _truths(pool, 0, "dog", [4, 8, 1]) == [True, True, True, False]
    assert _truths(pool, 1, "a cat", [5, 9, 0]) == [True, True, True, False]


def test_a_shared_keyword_is_true_of_all_that_share_it(pool: TextPool) -> None:
    assert _truths(pool, 0, "pet", [1, 5, 2]) == [True, True, True, False]


def test_a_style_or_a_colour_is_true_of_its_drawing_only(pool: TextPool) -> None:
    assert _truths(pool, 0, "a dog, flat style", [4, 8]) == [True, False, False]
    assert _truths(pool, 8, "a blue dog", [0, 4]) == [True, False, False]


def test_drawn_texts_are_true_and_seeded(pool: TextPool) -> None:
    rows = np.arange(10)
    texts = pool.draw(rows, np.random.default_rng(5))
    assert np.array_equal(texts, pool.draw(rows, np.random.default_rng(5)))
    assert pool.true(rows, texts).diagonal().all()


def test_pairs_name_every_text_of_every_drawing(pool: TextPool) -> None:
    rows, numbers = pool.pairs()
    assert [pool.texts[number] for number in numbers[rows == 9]] == ["a cat at night"]
    assert [pool.texts[number] for number in numbers[rows == 0]] == ["dog", "a dog", "a dog, flat style", "pet"]
