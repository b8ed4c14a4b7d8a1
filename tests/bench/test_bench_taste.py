from __future__ import annotations

import numpy as np
import pytest

from studio.domain.taste import TasteVariant
from tests.bench.bench_taste import (
    PLAIN,
    Judge,
    Way,
    area_under_curve,
    calibration_error,
    left_out,
    printed,
    ways_without_colours,
    wins,
)


def test_attribution_counts_own_pictures_that_fit_better() -> None:
    fits = np.zeros((3, 3, 4))
    assert left_out(wins(fits))[0] == pytest.approx(0.5)  # everybody gets the same picture
    fits[range(3), range(3)] = 1
    assert left_out(wins(fits))[0] == pytest.approx(1)
    assert left_out(wins(-fits))[0] == pytest.approx(0)


def test_errors_grow_with_how_much_people_differ() -> None:
    numbers = np.random.default_rng(0)
    shares = 0.5 + 0.1 * numbers.normal(size=(12, 1)) + np.zeros((12, 12))
    mean, error = left_out(shares)
    assert mean == pytest.approx(shares[:, 0].mean())
    assert error == pytest.approx(shares[:, 0].std(ddof=1) / np.sqrt(12), rel=0.15)
    assert left_out(np.full((5, 5), 0.7)) == (pytest.approx(0.7), pytest.approx(0))


def test_colours_are_left_to_the_tokens_in_some_ways() -> None:
    ways = [Way(TasteVariant(style="flat style", colour=colour)) for colour in ("red", "blue", "teal")]
    assert [way.words.colour for way in ways_without_colours(ways)] == ["", "", ""]
    assert [way.words.colour for way in ways_without_colours(ways, every=2)] == ["red", "", "teal"]
    assert ways_without_colours([Way(PLAIN)]) == [Way(PLAIN)]


def test_calibration_and_ranking() -> None:
    chance = np.array([0.05] * 10 + [0.95] * 10)
    right, wrong = np.array([0.0] * 10 + [1.0] * 10), np.array([1.0] * 10 + [0.0] * 10)
    assert calibration_error(chance, right) == pytest.approx(0.05)
    assert area_under_curve(chance, right) == 1 and area_under_curve(chance, wrong) == 0
    assert np.isnan(area_under_curve(chance, np.ones(20)))


def test_the_table_is_markdown() -> None:
    assert printed({"ours": {"text": 1.5}}).splitlines() == ["| | text |", "|---|---|", "| ours | 1.5 |"]
    assert printed({"ours": {"text": 1.5, "± text": 0.2}}).splitlines()[-1] == "| ours | 1.5 ± 0.2 |"


def test_the_judge_knows_tastes_of_several_interests() -> None:
    numbers = np.random.default_rng(0)
    angle = numbers.uniform(0, 2 * np.pi, 160)
    looks = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    likes = np.stack([(np.cos(2 * angle) > 0.3).astype(float), (np.sin(angle) > 0).astype(float)], axis=1)
    judge = Judge.learn(looks, likes)  # the first likes what lies to the left and to the right: no direction says so
    assert judge.area > 0.9
    left, up = judge.fits(np.array([[-1.0, 0.0], [0.0, 1.0]]))
    assert left[0] > up[0] and up[1] > left[1]
