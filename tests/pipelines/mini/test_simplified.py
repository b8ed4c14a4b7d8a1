from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.lab import to_lab
from pipelines.mini.simplified import lit


def evenly(*colours: tuple[int, int, int]) -> Image.Image:
    """Stripes of some colours, opaque but for the last ten rows."""
    values = np.zeros((60, 60, 4), np.uint8)
    for place, colour in enumerate(colours):
        values[:50, place * 60 // len(colours) : (place + 1) * 60 // len(colours)] = (*colour, 255)
    return Image.fromarray(values, "RGBA")


def lab(picture: Image.Image) -> np.ndarray:
    seen = np.asarray(picture)
    return to_lab(seen[seen[..., 3] > 0][:, :3])


def test_a_dark_photo_of_something_coloured_is_lifted_and_keeps_its_hue() -> None:
    dark = evenly((40, 24, 12), (70, 44, 24), (110, 74, 44))  # a tabby in the shade
    before, after = lab(dark), lab(lit(dark))
    assert 8 < (after - before)[:, 0].mean() < 30
    assert np.ptp(after[:, 0]) > np.ptp(before[:, 0])  # contrast grows too
    hues = np.degrees(np.arctan2(before[:, 2], before[:, 1]) - np.arctan2(after[:, 2], after[:, 1]))
    assert np.abs(hues).max() < 4
    assert np.array_equal(np.asarray(lit(dark))[..., 3], np.asarray(dark)[..., 3])


def test_what_is_black_stays_black() -> None:
    after = lab(lit(evenly((14, 14, 15), (26, 26, 27), (44, 43, 44))))
    assert after[:, 0].mean() < 20
    assert np.linalg.norm(after[:, 1:], axis=1).max() < 3


@pytest.mark.parametrize(
    "colours",
    [((230, 230, 228), (180, 178, 176)), ((225, 20, 20), (200, 10, 20)), ((200, 150, 90), (230, 190, 150))],
    ids=["white fur", "vivid red, which is dark in itself", "ginger"],
)
def test_what_is_light_enough_stays_as_it_is(colours: tuple[tuple[int, int, int], ...]) -> None:
    picture = evenly(*colours)
    assert lit(picture) is picture


def test_an_empty_cut_out_stays_as_it_is() -> None:
    assert lit(Image.new("RGBA", (8, 8))).getbbox() is None
