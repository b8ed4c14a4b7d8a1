from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.mini.heads import CELLS
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.training.heads import examples, fit, held_out
from tests.pipelines.mini.test_heads import ColourEncoder, animal

KINDS = ["cat", "dog", "fox", "cow", "mug", "shoe"]


@pytest.fixture(scope="module")
def library() -> DrawingLibrary:
    beast = np.asarray(animal().crop((0, 0, 200, 160)).resize((80, 80)))
    thing = np.asarray(Image.new("RGBA", (80, 80), (0, 0, 255, 255)))
    return DrawingLibrary.of(
        [beast] * 4 + [thing] * 2,
        concepts=list(range(6)),
        styles=[0] * 6,
        embeddings=torch.eye(6),
        names=KINDS,
        style_words={"flat": ["flat style"]},
    )


MEASURED = {
    "boxes": {kind: {"flat": [20 / 200, 50 / 160, 70 / 200, 100 / 160]} for kind in KINDS[:4]},
    "headless": ["mug", "shoe"],
}


def test_every_drawing_is_seen_in_the_mirror_too(library: DrawingLibrary) -> None:
    rows = examples(library, MEASURED, ColourEncoder())
    assert len(rows) == 12 and [row.kind for row in rows[:2]] == ["cat", "cat"]
    assert rows[0].box is not None and rows[1].box is not None
    assert rows[1].box[0] == pytest.approx(CELLS - rows[0].box[2])
    assert rows[0].box[1] == rows[1].box[1] and rows[0].wanted.sum() == pytest.approx(rows[1].wanted.sum())
    assert rows[-1].box is None and not rows[-1].wanted.any()


def test_heads_of_kinds_that_were_not_fitted_are_found(library: DrawingLibrary) -> None:
    found = held_out(examples(library, MEASURED, ColourEncoder()))
    assert (found.middle, found.top, found.falsely) == (1, 1, 0)


def test_the_fit_answers_as_the_boxes_say(library: DrawingLibrary) -> None:
    rows = examples(library, MEASURED, ColourEncoder())
    answers = fit(rows).answers(rows[0].tokens, rows[0].seen).ravel()
    assert answers[rows[0].wanted > 0.9].mean() > 0.3
    assert answers[rows[0].wanted == 0].mean() < 0.1


def test_a_kind_that_is_not_drawn_is_named(library: DrawingLibrary) -> None:
    with pytest.raises(ValueError, match="unicorn"):
        examples(library, {"boxes": {}, "headless": ["unicorn"]}, ColourEncoder())
