from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.matting import Matting, SubjectNotFoundError, foreground_colours, label_regions
from tests.pipelines.features.tiny_onnx import write_u2netp

GROUND = (90, 110, 120)


@pytest.fixture
def matting(tmp_path: Path) -> Matting:
    return Matting(write_u2netp(tmp_path / "u2netp.onnx"))


def _photo(size: tuple[int, int] = (400, 300), box: tuple[int, int, int, int] = (120, 60, 280, 220)) -> Image.Image:
    photo = Image.new("RGB", size, GROUND)
    ImageDraw.Draw(photo).ellipse(box, fill=(230, 20, 20))
    return photo


def test_the_matte_is_the_subject(matting: Matting) -> None:
    matte = matting.matte(_photo())
    assert matte.alpha.shape == (300, 400) and matte.alpha.dtype == np.float32
    assert matte.alpha[140, 200] == pytest.approx(1.0) and matte.alpha[10, 10] == pytest.approx(0.0)
    assert matte.coverage == pytest.approx(np.pi * 80**2 / (400 * 300), rel=0.05)


def test_the_cut_out_is_cropped_with_a_margin(matting: Matting) -> None:
    cutout = matting.cut_out(_photo(), margin=0.1)
    assert cutout.mode == "RGBA"
    assert cutout.size == pytest.approx((194, 194), abs=10)
    alpha = np.asarray(cutout)[..., 3]
    assert alpha[:8].max() == 0 and alpha[:, -8:].max() == 0
    assert alpha[97, 97] == 255


def test_no_colour_of_the_ground_is_left(matting: Matting) -> None:
    pixels = np.asarray(matting.cut_out(_photo())).astype(int)
    visible = pixels[..., 3] > 25
    assert np.abs(pixels[visible][:, :3] - [230, 20, 20]).max() < 40


def test_small_islands_go_and_large_ones_stay(matting: Matting) -> None:
    photo = _photo()
    draw = ImageDraw.Draw(photo)
    draw.rectangle((10, 260, 26, 276), fill=(230, 20, 20))
    draw.rectangle((320, 60, 390, 160), fill=(230, 20, 20))
    alpha = matting.matte(photo).alpha
    assert alpha[268, 18] == pytest.approx(0.0, abs=0.02)
    assert alpha[110, 355] == pytest.approx(1.0, abs=0.02)


def test_a_small_subject_gets_a_closer_look(matting: Matting) -> None:
    photo = _photo((2400, 1600), (1000, 700, 1400, 1100))
    matte = matting.matte(photo)
    assert matte.alpha.shape == (1600, 2400)
    assert matte.coverage == pytest.approx(np.pi * 200**2 / (2400 * 1600), rel=0.05)


def test_large_photos_give_cut_outs_of_a_bounded_size(matting: Matting) -> None:
    cutout = matting.cut_out(_photo((3000, 2000), (200, 200, 2600, 1800)))
    assert max(cutout.size) <= 1024 * 1.13


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (230, 20, 20)])
def test_a_plain_picture_has_no_subject(matting: Matting, colour: tuple[int, int, int]) -> None:
    with pytest.raises(SubjectNotFoundError, match="one plain colour"):
        matting.matte(Image.new("RGB", (64, 64), colour))


def test_too_small_a_subject_is_told_with_its_share(matting: Matting) -> None:
    with pytest.raises(SubjectNotFoundError, match=r"covers 0\.\d%"):
        matting.matte(_photo(box=(200, 100, 215, 115)))


def test_nothing_that_stands_out_is_told(matting: Matting) -> None:
    photo = Image.new("RGB", (200, 200), (20, 200, 20))
    photo.paste((20, 20, 200), (0, 0, 100, 200))
    with pytest.raises(SubjectNotFoundError, match=r"covers 0\.0%"):
        matting.matte(photo)


def test_one_pixel_is_answered_in_words(matting: Matting) -> None:
    with pytest.raises(SubjectNotFoundError):
        matting.matte(Image.new("RGB", (1, 1), (230, 20, 20)))


def test_foreground_colours_undo_the_mixing() -> None:
    rows = np.abs(np.arange(80) - 40)
    alpha = np.clip((30 - np.sqrt(rows[:, None] ** 2 + rows[None] ** 2)) / 4, 0, 1).astype(np.float32)
    subject, ground = np.array([0.9, 0.8, 0.1], np.float32), np.array([0.0, 0.3, 0.0], np.float32)
    mixed = alpha[..., None] * subject + (1 - alpha[..., None]) * ground
    colours = foreground_colours(mixed, alpha)
    assert np.abs(colours - subject)[alpha > 0.25].max() < 0.1
    assert np.abs(mixed - subject)[alpha > 0.25].max() > 0.4


def test_regions_are_joined_across_a_fork() -> None:
    mask = np.array([[1, 0, 1, 0, 0], [1, 0, 1, 0, 1], [0, 1, 0, 0, 1], [0, 0, 0, 0, 1]], bool)
    labels, areas = label_regions(mask)
    assert sorted(areas.tolist()) == [3, 5]
    assert labels[0, 0] == labels[2, 1] == labels[0, 2] != labels[1, 4]
    assert (labels > 0).tolist() == mask.tolist()


def test_an_empty_mask_has_no_regions() -> None:
    labels, areas = label_regions(np.zeros((3, 3), bool))
    assert not labels.any() and len(areas) == 0
