from __future__ import annotations

import numpy as np
import pytest

from tests.bench.bench_taste import Judge, area_under_curve, attribution, calibration_error, printed


def test_attribution_counts_own_pictures_that_fit_better() -> None:
    fits = np.zeros((2, 2, 4))
    assert attribution(fits) == pytest.approx(0.5)  # everybody gets the same picture
    fits[0, 0] = fits[1, 1] = 1
    assert attribution(fits) == pytest.approx(1)
    assert attribution(-fits) == pytest.approx(0)


def test_calibration_and_ranking() -> None:
    chance = np.array([0.05] * 10 + [0.95] * 10)
    right, wrong = np.array([0.0] * 10 + [1.0] * 10), np.array([1.0] * 10 + [0.0] * 10)
    assert calibration_error(chance, right) == pytest.approx(0.05)
    assert area_under_curve(chance, right) == 1 and area_under_curve(chance, wrong) == 0
    assert np.isnan(area_under_curve(chance, np.ones(20)))


def test_the_table_is_markdown() -> None:
    assert printed({"ours": {"text": 1.5}}).splitlines() == ["| | text |", "|---|---|", "| ours | 1.5 |"]


def test_the_judge_knows_tastes_of_several_interests() -> None:
    numbers = np.random.default_rng(0)
    angle = numbers.uniform(0, 2 * np.pi, 160)
    looks = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    likes = np.stack([(np.cos(2 * angle) > 0.3).astype(float), (np.sin(angle) > 0).astype(float)], axis=1)
    judge = Judge.learn(looks, likes)  # the first likes what lies to the left and to the right: no direction says so
    assert judge.area > 0.9
    left, up = judge.fits(np.array([[-1.0, 0.0], [0.0, 1.0]]))
    assert left[0] > up[0] and up[1] > left[1]
