from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.features.preprocessing import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NEUTRAL_GROUND,
    alpha_grid,
    letterbox,
    normalise_rows,
    on_ground,
    to_pixels,
)


def test_transparency_is_laid_on_the_neutral_ground() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert on_ground(clear).getpixel((1, 1)) == NEUTRAL_GROUND


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1"])
def test_opaque_pictures_of_any_mode_become_rgb(mode: str) -> None:
    assert on_ground(Image.new(mode, (3, 5))).mode == "RGB"


def test_letterbox_keeps_the_whole_picture_in_the_middle() -> None:
    wide = Image.new("RGB", (40, 20), (255, 255, 255))
    square = np.asarray(letterbox(wide, 20, (0, 0, 0)))
    assert square.shape == (20, 20, 3)
    assert square[:5].max() == 0 and square[15:].max() == 0
    assert square[6:14].min() == 255


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (1, 1)])
def test_extreme_shapes_survive(size: tuple[int, int]) -> None:
    assert letterbox(Image.new("RGB", size), 16).size == (16, 16)


def test_neutral_ground_is_nearly_zero_to_an_encoder() -> None:
    pixels = to_pixels(Image.new("RGBA", (8, 8)), 8, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    assert pixels.shape == (3, 8, 8) and pixels.dtype == np.float32
    assert np.abs(pixels).max() < 0.02


def test_alpha_grid_says_where_the_subject_is() -> None:
    image = Image.new("RGBA", (16, 16))
    image.paste((255, 0, 0, 255), (0, 0, 8, 8))
    shares = alpha_grid(image, 16, 2)
    assert shares[0, 0] > 0.9 and shares[1, 1] < 0.05


def test_normalise_rows_leaves_a_zero_row() -> None:
    rows = normalise_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]
