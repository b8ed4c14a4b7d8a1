from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.colour_words import colours_in_words
from pipelines.lab import to_lab


def patches(*colours: tuple[int, int, int]) -> Image.Image:
    """Return equal stripes of colours on a transparent, bright green ground."""
    picture = np.zeros((60, 60, 4), np.uint8)
    picture[..., 1] = 255
    for number, colour in enumerate(colours):
        width = 40 // len(colours)
        picture[10:50, 10 + number * width : 10 + (number + 1) * width] = (*colour, 255)
    return Image.fromarray(picture)


@pytest.mark.parametrize(
    ("colours", "kind", "words"),
    [
        ([(204, 40, 40)], "mug", "red"),
        ([(60, 150, 66), (150, 26, 32), (200, 45, 45)], "toy", "red and green"),
        ([(186, 104, 48), (196, 160, 110), (240, 239, 236), (190, 190, 192)], "dog", "ginger and white"),
        ([(186, 104, 48)], "mug", "rust"),
        ([(28, 27, 28), (30, 28, 30), (80, 80, 82)], "cat", "black"),
        ([(186, 104, 48), (190, 190, 192), (190, 190, 192)], "fox", "white and ginger"),
        ([(130, 130, 132), (186, 104, 48)], "mug", "grey and rust"),
    ],
)
def test_colours_are_named_as_people_would(colours: list[tuple[int, int, int]], kind: str, words: str) -> None:
    found = colours_in_words([patches(*colours)], kind)
    assert sorted(found.split(" and ")) == sorted(words.split(" and "))


def test_what_covers_most_comes_first_over_all_pictures() -> None:
    red, blue = (204, 40, 40), (46, 98, 200)
    assert colours_in_words([patches(red, red, blue)]) == "red and blue"
    assert colours_in_words([patches(red, red, blue), patches(blue), patches(blue)]) == "blue and red"


def test_a_photo_in_dim_light_is_still_of_something_white() -> None:
    assert colours_in_words([patches((200, 199, 197), (190, 190, 190))]) == "white"


def test_nothing_opaque_has_no_colour() -> None:
    assert colours_in_words([Image.new("RGBA", (40, 40))]) == ""
    assert colours_in_words([]) == ""


def test_lab_is_that_of_the_standard() -> None:
    lab = to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]]))
    assert lab == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]), abs=0.05)
