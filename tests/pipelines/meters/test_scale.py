from __future__ import annotations

import numpy as np
import pytest

from pipelines.meters.scale import Scale, calibrate, told_apart


def test_thirds_lie_at_the_borders_and_the_score_rises() -> None:
    scale = Scale(fair=-2.0, good=1.0)
    assert scale.score(-2.0) == pytest.approx(1 / 3)
    assert scale.score(1.0) == pytest.approx(2 / 3)
    scores = [scale.score(value) for value in np.linspace(-30, 30, 50)]
    assert scores == sorted(set(scores)) and 0 < scores[0] < scores[-1] < 1
    assert 0 < scale.score(-1e9) < scale.score(1e9) <= 1


def test_a_scale_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fair is 1\.0 and good is 1\.0"):
        Scale(fair=1.0, good=1.0)


def test_the_borders_let_the_wanted_shares_of_wrong_ones_pass() -> None:
    wrong = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    scale = calibrate(wrong, fair=0.1, good=0.01)
    assert (wrong >= scale.fair).mean() == pytest.approx(0.1, abs=0.001)
    assert (wrong >= scale.good).mean() == pytest.approx(0.01, abs=0.001)


def test_told_apart_is_the_share_of_pairs_in_order() -> None:
    assert told_apart(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert told_apart(np.array([0.0, 3.0]), np.array([1.0, 2.0])) == 0.5
    assert told_apart(np.array([0.0]), np.array([1.0, 2.0])) == 0.0
