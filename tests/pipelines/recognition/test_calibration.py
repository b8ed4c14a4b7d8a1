from __future__ import annotations

import numpy as np
import pytest

from pipelines.recognition.calibration import calibrate, load_calibration, threshold_growth
from pipelines.recognition.matching import Calibration


def test_the_threshold_lets_the_wanted_share_of_false_ones_pass() -> None:
    rng = np.random.default_rng(0)
    same, different = rng.normal(0.75, 0.08, 4000), rng.normal(0.4, 0.08, 4000)
    found = calibrate(same.astype(np.float32), different.astype(np.float32), false_accepts=0.05, photos=50)
    assert (different > found.threshold).mean() == pytest.approx(0.05, abs=0.002)


def test_the_slope_is_the_likeliest_one() -> None:
    rng = np.random.default_rng(1)
    likeness = rng.uniform(0.3, 0.9, 40_000)
    truth = rng.uniform(size=len(likeness)) < 1 / (1 + np.exp(-25.0 * (likeness - 0.6)))
    share = float((likeness[~truth] > 0.6).mean())
    found = calibrate(
        likeness[truth].astype(np.float32), likeness[~truth].astype(np.float32), false_accepts=share, photos=10**6
    )
    assert found.threshold == pytest.approx(0.6, abs=0.01)
    assert found.slope == pytest.approx(25.0, rel=0.1)


def test_the_growth_keeps_the_share_of_strangers_that_are_named() -> None:
    rng = np.random.default_rng(2)
    to_things = (0.2 + rng.exponential(0.05, (4000, 300))).astype(np.float32)
    growth = threshold_growth(to_things.ravel())
    few = float(np.quantile(to_things[:, :6].max(axis=1), 0.95))
    shipped = Calibration(threshold=few, slope=20.0, growth=growth, things=6)
    named = (to_things.max(axis=1) > shipped.threshold_among(300)).mean()
    assert named == pytest.approx(0.05, abs=0.012)
    assert (to_things.max(axis=1) > few).mean() > 0.85  # what one threshold for all would name
    assert threshold_growth(to_things.ravel(), allowed=0.25) == pytest.approx(0.75 * growth)


def test_what_is_shipped_can_be_read() -> None:
    shipped = load_calibration()
    assert 0 < shipped.threshold < 1 and shipped.slope > 1


def test_a_few_photos_without_a_mistake_do_not_make_it_certain() -> None:
    same, different = np.full(30, 0.8, np.float32), np.full(30, 0.4, np.float32)
    different[0] = 0.6
    few, many = (calibrate(same, different, false_accepts=0.0, photos=photos) for photos in (10, 1000))
    assert 1 / (1 + np.exp(-few.slope * 0.2)) == pytest.approx(11 / 12, abs=0.03)
    assert many.slope > few.slope
