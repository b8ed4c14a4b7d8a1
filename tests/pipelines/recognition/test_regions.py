from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.recognition.regions import (
    WHOLE,
    in_pixels,
    largest,
    overlap,
    propose_regions,
    shared,
    standing_out,
    with_margin,
    without_repeats,
)


def redness(picture: Image.Image) -> np.ndarray:
    """Saliency of a world in which red stands out."""
    pixels = np.asarray(picture.resize((100, 100), Image.Resampling.NEAREST), np.float32) / 255
    return np.clip(pixels[..., 0] - pixels[..., 1], 0, 1)


def photo(*boxes: tuple[int, int, int, int]) -> Image.Image:
    made = Image.new("RGB", (400, 200), (90, 110, 120))
    for box in boxes:
        ImageDraw.Draw(made).rectangle(box, fill=(230, 20, 20))
    return made


def test_every_thing_gets_one_box() -> None:
    found = propose_regions(photo((20, 20, 99, 99), (260, 100, 379, 179)), redness)
    assert len(found) == 2
    assert found[0] == pytest.approx((0.65, 0.5, 0.95, 0.9), abs=0.02)  # the larger one first
    assert found[1] == pytest.approx((0.05, 0.1, 0.25, 0.5), abs=0.02)


def test_a_nearer_look_parts_what_runs_together_from_afar() -> None:
    def blurred(picture: Image.Image) -> np.ndarray:
        saliency = redness(picture)
        if picture.size == (400, 200):  # from afar the gap is not seen
            saliency[10:50, 10:95] = 1.0
        return saliency

    found = propose_regions(photo((40, 20, 159, 99), (260, 20, 379, 99)), blurred)
    assert any(overlap(box, (0.65, 0.1, 0.95, 0.5)) > 0.9 for box in found)
    assert any(overlap(box, (0.1, 0.1, 0.4, 0.5)) > 0.9 for box in found)


def test_a_piece_cut_off_by_a_nearer_look_is_left_out() -> None:
    assert len(propose_regions(photo((100, 20, 299, 179)), redness)) == 1


def test_where_nothing_stands_out_there_is_no_region() -> None:
    assert propose_regions(photo(), redness) == []
    assert largest([]) == WHOLE


def test_specks_are_no_regions() -> None:
    saliency = np.zeros((100, 100), np.float32)
    saliency[10:12, 10:12] = 1.0
    saliency[50:60, 20:40] = 0.9
    assert standing_out(saliency, 0.01) == [(0.2, 0.5, 0.4, 0.6)]


def test_overlap_and_shared_area() -> None:
    assert overlap(WHOLE, (0.0, 0.0, 0.5, 1.0)) == pytest.approx(0.5)
    assert shared((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)) == 0.0
    assert without_repeats([WHOLE, (0.0, 0.0, 0.9, 1.0), (0.0, 0.0, 0.1, 0.1)]) == [WHOLE, (0.0, 0.0, 0.1, 0.1)]


def test_boxes_in_pixels_stay_in_the_picture_and_are_never_empty() -> None:
    assert in_pixels(WHOLE, (40, 30)) == (0, 0, 40, 30)
    left, top, right, bottom = in_pixels((0.999, 0.999, 1.0, 1.0), (40, 30))
    assert 0 <= left < right <= 40 and 0 <= top < bottom <= 30


def test_the_margin_is_a_share_of_the_longer_side() -> None:
    assert with_margin((0.25, 0.5, 0.75, 0.6), (400, 200), 0.1) == pytest.approx((0.2, 0.4, 0.8, 0.7))
    assert with_margin(WHOLE, (400, 200), 0.1) == WHOLE
