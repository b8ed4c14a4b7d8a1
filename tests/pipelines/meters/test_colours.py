from __future__ import annotations

import pytest
from PIL import Image

from pipelines.meters.colours import covered, histogram
from tests.pipelines.meters.tiny_meters import ball


def test_a_histogram_is_of_what_is_opaque() -> None:
    assert histogram(ball("red")).sum() == pytest.approx(1.0)
    assert histogram(ball("red")).argmax() == histogram(Image.new("RGB", (9, 9), "red")).argmax()
    assert histogram(Image.new("RGBA", (9, 9), (255, 0, 0, 0))).sum() == 0.0


def test_other_colours_in_the_picture_cost_nothing() -> None:
    red = histogram(ball("red"))
    assert covered(red, red) == pytest.approx(1.0)
    assert covered(red, histogram(ball("red", ground=(40, 80, 220, 255)))) == pytest.approx(1.0, abs=0.02)


def test_a_colour_that_is_not_there_does() -> None:
    two = ball("red")
    two.paste(ball("blue").crop((0, 0, 48, 96)), (0, 0))
    both, red, blue = histogram(two), histogram(ball("red")), histogram(ball("blue"))
    assert covered(red, blue) < 0.05
    assert 0.3 < covered(both, red) < 0.7
    assert covered(red, both) > 0.9


def test_light_and_shade_are_much_the_same() -> None:
    red, shaded, green = (histogram(ball(colour)) for colour in ("#d02020", "#c01818", "#20a020"))
    assert covered(red, shaded) > 0.8
    assert covered(red, green) < 0.1


def test_nothing_opaque_has_no_colours() -> None:
    nothing = histogram(Image.new("RGBA", (9, 9)))
    assert covered(nothing, histogram(ball("red"))) == 0.0
    assert covered(histogram(ball("red")), nothing) == 0.0
