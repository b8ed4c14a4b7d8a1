from __future__ import annotations

import numpy as np
import pytest

from tests.bench.prompt_score import score_cosines

ASKS = (False, True, True, True)


def shown(strength: float) -> np.ndarray:
    return 0.2 + strength * np.eye(4)


def test_pictures_that_show_their_prompts_are_right() -> None:
    found = score_cosines(shown(0.1), ASKS)
    assert found.share == 1.0 and found.margin == pytest.approx(0.1)
    assert np.isnan(found.right[0]) and np.isnan(found.margins[0])
    assert found.margin > score_cosines(shown(0.03), ASKS).margin > 0


def test_a_text_that_suits_all_pictures_and_a_picture_that_suits_all_texts_change_nothing() -> None:
    biased = shown(0.1) + np.array([0.5, 0, 0, 0]) + np.array([[0.0], [0.3], [0.0], [-0.2]])
    np.testing.assert_allclose(score_cosines(biased, ASKS).margins, score_cosines(shown(0.1), ASKS).margins)


def test_one_picture_for_all_prompts_is_right_about_none() -> None:
    same = np.tile(np.array([0.3, 0.2, 0.25, 0.1]), (4, 1))
    assert score_cosines(same, ASKS).margin <= 1e-12
    noise = np.random.default_rng(0).normal(scale=0.01, size=(400, 4, 4))
    found = [score_cosines(same + one, ASKS) for one in noise]
    assert abs(np.mean([one.share for one in found]) - 0.25) < 0.06
    assert np.mean([one.margin for one in found]) < 0


def test_exchanged_pictures_are_wrong() -> None:
    found = score_cosines(shown(0.1)[[0, 2, 1, 3]], ASKS)
    assert found.right[1:].tolist() == [0, 0, 1]
    assert found.margins[1] == pytest.approx(-0.1)
