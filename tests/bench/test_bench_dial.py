from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.lab import to_lab
from tests.bench.bench_dial import DIAL, _row, _steps, colour_distance


def plain(colour: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (80, 80))
    picture.paste((*colour, 255), (20, 20, 60, 60))
    return picture


def test_colours_lie_as_far_apart_as_in_cielab() -> None:
    red, blue = (210, 30, 40), (40, 60, 210)
    assert colour_distance(plain(red), plain(red)) == 0
    truly = float(np.linalg.norm(to_lab(red) - to_lab(blue)))
    assert colour_distance(plain(red), plain(blue)) == pytest.approx(truly, rel=0.2)
    turned = Image.fromarray(np.asarray(plain(red))[:, ::-1][::2])
    assert colour_distance(turned, plain(red)) == 0  # whatever its shape


def test_errors_are_of_the_step_and_pairs_are_counted() -> None:
    rising = np.arange(len(DIAL), dtype=float)[:, None, None] + np.zeros((1, 4, 3))
    values = {"liked": rising + np.random.default_rng(0).normal(size=(1, 4, 3)), "likeness": -rising}
    assert _row(values, 0).keys() == {"liked", "likeness"}
    assert _row(values, 2)["± liked"] == 0  # everybody goes up by the same
    counted = _steps({**values, "look": rising})["% of pairs that go so from 0 to 1"]
    assert counted == {"liked": 100.0, "likeness": 100.0, "look": 0.0}
