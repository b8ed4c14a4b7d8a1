from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from studio.posters.colours import DARK, LIGHT, contrast, contrast_over, mixed, oklch, palette_of

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def test_contrast_is_the_one_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert contrast((0x76 / 255,) * 3, WHITE) == pytest.approx(4.54, abs=0.01)


def test_over_a_ground_the_worst_tenth_counts() -> None:
    ground = np.zeros((10, 10, 3), dtype=np.uint8)
    assert contrast_over(WHITE, ground) == pytest.approx(21)
    ground[:2] = 255
    assert contrast_over(WHITE, ground) == pytest.approx(1)


def test_oklch_knows_white_grey_and_red() -> None:
    assert oklch(1, 0, 0) == pytest.approx(WHITE, abs=1e-3)
    red, green, blue = oklch(0.5, 0, 1)
    assert red == pytest.approx(green, abs=1e-3)
    assert green == pytest.approx(blue, abs=1e-3)
    red, green, blue = oklch(0.62, 0.24, math.radians(29.23))
    assert red > 0.9
    assert max(green, blue) < 0.25


def test_a_colour_that_does_not_exist_becomes_a_paler_one() -> None:
    assert all(0 <= part <= 1 for part in oklch(0.9, 0.37, 4.5))


@pytest.mark.parametrize("colour", ["orange", "purple", "seagreen", "navy", "yellow", "gray", "white", "black"])
def test_the_palette_can_be_read_for_every_picture(colour: str) -> None:
    palette = palette_of(Image.new("RGBA", (20, 20), colour))
    for ground in (palette.paper, palette.tint):
        assert contrast(palette.deep, ground) >= 4.5
    assert contrast(DARK, palette.strong) >= 3
    assert contrast(LIGHT, palette.night) >= 7
    assert contrast(palette.middle, palette.deep) >= 3


def test_only_what_is_seen_counts_and_the_ground_is_of_another_hue() -> None:
    pixels = np.full((20, 20, 4), (0, 0, 255, 0), dtype=np.uint8)
    pixels[5:15, 5:15] = (230, 120, 20, 255)
    red, _, blue = palette_of(Image.fromarray(pixels)).strong
    assert blue > red
    assert palette_of(Image.new("RGBA", (4, 4))).paper


def test_colours_mix() -> None:
    assert mixed(BLACK, WHITE, 0.25) == pytest.approx((0.25, 0.25, 0.25))
