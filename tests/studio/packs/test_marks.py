from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.domain.stickers import Bearing, Feeling, Mark
from studio.packs.finishing import finish
from studio.packs.marks import borne, marked

GREY = (120, 120, 120, 255)


@pytest.fixture(scope="module")
def animal() -> Image.Image:
    """A body with its head at the left: there is room for signs above its back."""
    picture = Image.new("RGBA", (240, 200))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((0, 90, 239, 199), fill=GREY)
    brush.rectangle((0, 0, 90, 110), fill=GREY)
    return picture


def signs(picture: Image.Image) -> np.ndarray:
    """Return where something is that is not of the subject's colour [H, W]."""
    pixels = np.asarray(picture).astype(int)
    return (pixels[..., 3] > 128) & (np.abs(pixels[..., :3] - 120).max(axis=-1) > 24)


@pytest.mark.parametrize("mark", [mark for mark in Mark if mark is not Mark.NONE])
def test_signs_stand_around_the_subject_and_leave_most_of_it_free(mark: Mark, animal: Image.Image) -> None:
    made = marked(animal, mark)
    there = signs(made)
    assert there.mean() > 0.005
    grey = ((np.asarray(made)[..., 3] > 250) & ~there).sum()
    subject = (np.asarray(animal)[..., 3] > 250).sum()
    assert grey > 0.8 * subject
    assert made.getbbox() == (0, 0, *made.size)


def test_no_mark_changes_nothing(animal: Image.Image) -> None:
    assert marked(animal, Mark.NONE) is animal and borne(animal, Bearing.UPRIGHT) is animal


def test_signs_stand_where_there_is_room(animal: Image.Image) -> None:
    there = signs(marked(animal, Mark.SLEEP))
    turned = signs(marked(animal.transpose(Image.Transpose.FLIP_LEFT_RIGHT), Mark.SLEEP))
    middle = np.nonzero(there)[1].mean() / there.shape[1]
    other = np.nonzero(turned)[1].mean() / turned.shape[1]
    assert 0.3 < middle < 0.75 and other == pytest.approx(1 - middle, abs=0.06)


@pytest.mark.parametrize(
    ("bearing", "wide", "high"), [(Bearing.SUNK, 1.08, 0.84), (Bearing.STRETCHED, 0.94, 1.08), (Bearing.LEANING, 1, 1)]
)
def test_a_bearing_keeps_the_feet_together(bearing: Bearing, wide: float, high: float, animal: Image.Image) -> None:
    made = borne(animal, bearing)
    assert made.height == pytest.approx(200 * high, abs=2)
    last = np.nonzero(np.asarray(made)[-3, :, 3] > 128)[0]
    assert np.ptp(last) == pytest.approx(240 * wide, abs=4)


def test_a_leaning_subject_leans_forward(animal: Image.Image) -> None:
    alpha = np.asarray(borne(animal, Bearing.LEANING))[..., 3] > 128
    first, last = (np.nonzero(alpha[row])[0][0] for row in (2, -3))
    assert first > last + 20


def test_a_finished_sticker_shows_the_feeling(animal: Image.Image) -> None:
    plain, sad = finish(animal), finish(animal, feeling=Feeling(mark=Mark.CLOUD, bearing=Bearing.SUNK))
    assert plain.size == sad.size == (512, 512)
    assert np.abs(np.asarray(plain).astype(int) - np.asarray(sad)).mean() > 10


def test_an_empty_subject_has_its_head_everywhere() -> None:
    assert marked(Image.new("RGBA", (30, 30)), Mark.STARS).width >= 10
