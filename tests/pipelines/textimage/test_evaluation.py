from __future__ import annotations

import numpy as np
import pytest

from pipelines.textimage.evaluation import recall_at_one


def _names(count: int) -> dict[str, np.ndarray]:
    return {f"c{number}": row for number, row in enumerate(np.eye(count, dtype=np.float32))}


def test_perfect_embeddings_recall_everything() -> None:
    names = _names(4)
    concepts = ["c0", "c1", "c2", "c3", "c0"]
    images = np.stack([names[concept] for concept in concepts])
    recall = recall_at_one(images, concepts, names, tried=["c0", "c1", "c2", "c3"], seed=0)
    assert (recall.image_to_text, recall.text_to_image, recall.names, recall.trials) == (1.0, 1.0, 4, 5)


def test_only_the_tried_concepts_count_but_all_compete() -> None:
    names = _names(3)
    images = np.stack([names["c1"], names["c1"], names["c2"]])
    recall = recall_at_one(images, ["c0", "c1", "c2"], names, tried=["c0", "c2"], seed=0)
    assert recall.image_to_text == pytest.approx(0.5)
    assert recall.trials == 2
    assert recall.text_to_image == pytest.approx(1.0) or recall.text_to_image == pytest.approx(0.5)


def test_the_gallery_is_seeded() -> None:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((40, 4)).astype(np.float32)
    concepts = [f"c{number % 4}" for number in range(40)]
    first, second = (recall_at_one(images, concepts, _names(4), tried=["c0", "c1"], seed=7) for _ in range(2))
    assert first == second
