from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.mini.alpha import contact_sheet, on_ground, to_pictures, to_tensor

RED = (200, 30, 40)


def block(size: int = 8) -> np.ndarray:
    """A red square in the middle; what is invisible is bright green, which must never show."""
    picture = np.zeros((1, size, size, 4), np.uint8)
    picture[..., 1] = 255
    picture[0, size // 4 : -size // 4, size // 4 : -size // 4] = (*RED, 255)
    return picture


def test_there_and_back_is_the_same_where_it_is_seen() -> None:
    picture = block()
    values = to_tensor(picture)
    assert values.shape == (1, 4, 8, 8)
    assert values.min() == -1 and values.max() == 1
    back = np.asarray(to_pictures(values)[0])
    visible = picture[0, ..., 3] == 255
    assert np.array_equal(back[visible], picture[0][visible])
    assert not back[~visible].any()


def test_invisible_colour_carries_no_information() -> None:
    picture = block()
    other = picture.copy()
    other[..., :3][other[..., 3] == 0] = 17
    assert torch.equal(to_tensor(picture), to_tensor(other))


def test_averaging_leaves_no_fringe() -> None:
    picture = block(8)
    picture = np.roll(picture, (1, 1), axis=(1, 2))  # edges now fall between the pixels of the small picture
    small = np.asarray(to_pictures(to_tensor(picture, 4))[0])
    seen = small[..., 3] > 0
    assert seen.any() and (small[..., 3] < 255).any()
    np.testing.assert_allclose(small[seen][:, :3].astype(int), np.broadcast_to(RED, (seen.sum(), 3)), atol=3)


def test_only_a_multiple_can_be_averaged() -> None:
    with pytest.raises(ValueError, match="8 px cannot be averaged to 3 px"):
        to_tensor(block(8), 3)


def test_a_decoder_that_almost_reaches_the_ends_gives_clear_ground_and_solid_things() -> None:
    alpha = torch.tensor([-1.0, -0.9, 0.0, 0.9, 1.0, 1.4]).view(1, 1, 1, 6)
    values = torch.cat([alpha.expand(1, 3, 1, 6).clamp(max=1), alpha], dim=1)
    pixels = np.asarray(to_pictures(values)[0])[0]
    assert list(pixels[:, 3]) == [0, 0, 128, 255, 255, 255]
    assert (pixels[2:, :3] == 255).all()


def test_ground_shows_through_and_sheets_have_rows() -> None:
    clear, solid = Image.new("RGBA", (4, 4)), Image.new("RGBA", (4, 4), (*RED, 255))
    assert on_ground([clear], (1, 2, 3))[0].getpixel((0, 0)) == (1, 2, 3)
    sheet = contact_sheet([solid, clear, solid], 2, ground=(9, 9, 9))
    assert (sheet.mode, sheet.size) == ("RGB", (8, 8))
    assert [sheet.getpixel(place) for place in ((0, 0), (4, 0), (0, 4), (4, 4))] == [RED, (9, 9, 9), RED, (9, 9, 9)]
