from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.features.preprocessing import FloatArray
from pipelines.recognition.colours import COLOURS, WEIGHT, colours_of, with_colours

EVERYWHERE = np.ones((1, 1), np.float32)


def plain(colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (64, 40), colour)


def alike(one: Image.Image, other: Image.Image) -> float:
    first, second = colours_of([one, other], [EVERYWHERE, EVERYWHERE])
    return float(first @ second)


def test_rows_are_of_length_one() -> None:
    colours = colours_of([plain((200, 30, 30)), plain((0, 0, 0))], [EVERYWHERE] * 2)
    assert colours.shape == (2, COLOURS)
    assert np.linalg.norm(colours, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert colours_of([], []).shape == (0, COLOURS)


def test_a_little_light_matters_less_than_another_colour() -> None:
    red = plain((200, 30, 30))
    assert alike(red, red) == pytest.approx(1.0, abs=1e-5)
    assert alike(red, plain((180, 27, 27))) > 0.8
    assert alike(red, plain((30, 60, 200))) < 0.1


def test_the_ground_does_not_count() -> None:
    def disc(ground: tuple[int, int, int]) -> Image.Image:
        picture = Image.new("RGB", (100, 100), ground)
        ImageDraw.Draw(picture).ellipse((25, 25, 75, 75), fill=(230, 200, 40))
        return picture

    mask: FloatArray = np.asarray(disc((0, 0, 0)).convert("L"), np.float32) / 200
    on_green, on_white = colours_of([disc((20, 120, 40)), disc((250, 250, 250))], [mask, mask])
    assert float(on_green @ on_white) > 0.95
    assert alike(disc((20, 120, 40)), disc((250, 250, 250))) < 0.6


def test_where_nothing_stands_out_the_whole_counts() -> None:
    nothing = np.zeros((10, 10), np.float32)
    seen, unseen = colours_of([plain((200, 30, 30))] * 2, [EVERYWHERE, nothing])
    assert seen == pytest.approx(unseen, abs=1e-5)


def test_one_cosine_counts_looks_and_colours() -> None:
    looks = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    colours = np.eye(COLOURS, dtype=np.float32)[[0, 1, 0]]
    joined = with_colours(looks, colours)
    assert np.linalg.norm(joined, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (joined @ joined[0])[1:] == pytest.approx([1 / (1 + WEIGHT), WEIGHT / (1 + WEIGHT)], abs=1e-5)
