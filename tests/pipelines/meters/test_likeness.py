from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.meters.likeness import Appearance, appearance, compare, likeness
from tests.pipelines.meters.tiny_meters import CALIBRATION, ball, encoder


@pytest.fixture
def look(tmp_path: Path):
    clip = encoder(tmp_path)

    def of(picture: Image.Image) -> Appearance:
        return appearance(picture, clip.tokens([picture])[0])

    return of


def test_inside_is_what_the_subject_covers(look) -> None:
    seen = look(ball("red"))
    assert seen.patches.shape == (196, 768)
    np.testing.assert_allclose(np.linalg.norm(seen.patches, axis=1), 1.0, atol=1e-4)
    assert 0.15 < seen.inside.mean() < 0.4
    assert look(ball("red").convert("RGB")).inside.all()
    assert look(Image.new("RGBA", (20, 20))).inside.all()


def test_where_it_stands_and_on_what_does_not_matter(look) -> None:
    red = look(ball("red"))
    moved = compare(red, look(ball("red", left=36, ground=(40, 200, 60, 255))))
    assert moved == pytest.approx((1.0, 1.0), abs=0.03)


def test_another_colour_is_less_alike(look) -> None:
    red, blue = look(ball("red")), look(ball("blue"))
    assert likeness([red], red, CALIBRATION.parts) > likeness([red], blue, CALIBRATION.parts) + 5


def test_of_several_cut_outs_the_most_alike_one_counts(look) -> None:
    red, blue = look(ball("red")), look(ball("blue"))
    alone = likeness([blue], blue, CALIBRATION.parts)
    assert likeness([red, blue], blue, CALIBRATION.parts) == likeness([blue, red], blue, CALIBRATION.parts) == alone
