from __future__ import annotations

import numpy as np
import pytest

from pipelines.lab import from_lab, to_lab


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [  # of Bruce Lindbloom's calculator, D65
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((30, 144, 255), (59.38, 9.96, -63.39)),
    ],
)
def test_known_colours(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    np.testing.assert_allclose(to_lab(rgb), lab, atol=0.15)


def test_there_and_back() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (50, 3))
    np.testing.assert_allclose(from_lab(to_lab(colours)), colours, atol=0.05)


def test_what_cannot_be_shown_is_clipped() -> None:
    shown = from_lab([60.0, 120.0, -120.0])
    assert (shown >= 0).all() and (shown <= 255).all()
