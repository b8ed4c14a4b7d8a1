from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.errors import InvalidInput
from studio.packs.finishing import check_caption, finish


def disc(size: int = 64, fill: str = "red") -> Image.Image:
    picture = Image.new("RGBA", (size, size))
    ImageDraw.Draw(picture).ellipse((8, 8, size - 9, size - 9), fill=fill)
    return picture


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def test_a_sticker_is_512_transparent_and_has_room_at_its_rim() -> None:
    for outline in (True, False):
        for caption in ("", "Happy birthday!"):
            sticker = finish(disc(), outline=outline, caption=caption)
            alpha = pixels(sticker)[..., 3]
            assert (sticker.mode, sticker.size) == ("RGBA", (512, 512))
            assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) < 20
            assert (alpha > 250).mean() > 0.3


def test_the_outline_is_white_and_about_ten_pixels_wide() -> None:
    row = pixels(finish(disc(), outline=True, shadow=False))[256]
    white = (row[:, :3].min(axis=1) > 245) & (row[:, 3] > 245)
    first = int(np.argmax(white))
    assert 8 <= int(np.argmin(white[first:])) <= 12
    bare = pixels(finish(disc(), outline=False, shadow=False))
    assert not ((bare[..., :3].min(axis=2) > 200) & (bare[..., 3] > 60)).any()


def test_the_shadow_lies_below_and_is_soft() -> None:
    with_shadow, without = (pixels(finish(disc(), shadow=shadow)) for shadow in (True, False))
    column = with_shadow[:, 256, 3]
    bottom = int(np.nonzero(column > 250)[0].max())
    soft = column[bottom + 2 : bottom + 6]
    assert (soft > 5).all()
    assert (soft < 140).all()
    ends = np.nonzero(without[:, 256, 3])[0].max()
    assert ends - np.nonzero(without[:, 256, 3] > 250)[0].max() <= 5


def test_words_stand_below_the_subject_in_dark_ink_with_a_light_rim() -> None:
    sticker = pixels(finish(disc(), outline=False, shadow=False, caption="Hooray"))
    lower = sticker[420:]
    dark = (lower[..., :3].max(axis=2) < 60) & (lower[..., 3] > 240)
    light = (lower[..., :3].min(axis=2) > 240) & (lower[..., 3] > 240)
    assert dark.mean() > 0.02
    assert light.mean() > 0.02


def test_nothing_hides_where_nothing_is_seen() -> None:
    picture = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((8, 8, 50, 50), fill="blue")
    sticker = pixels(finish(picture))
    assert (sticker[sticker[..., 3] == 0][:, :3] == 255).all()


def test_a_picture_with_a_ground_becomes_a_badge_with_round_corners() -> None:
    sticker = pixels(finish(Image.new("RGBA", (64, 64), "navy"), outline=False, shadow=False))
    assert sticker[256, 256, 3] == 255
    assert sticker[10, 10, 3] == 0
    assert sticker[256, 12, 3] == 255


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        finish(Image.new("RGBA", (64, 64)))


@pytest.mark.parametrize(
    ("caption", "sentence"),
    [("日本", "cannot write 日 本"), ("hi 🐶", "🐶"), ("Donaudampfschifffahrtsgesellschaftskapitän", "does not fit")],
)
def test_a_caption_that_cannot_be_is_refused_with_its_reason(caption: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        check_caption(caption)


def test_long_captions_take_two_lines() -> None:
    check_caption("See you later, alligator, in a while")


def test_a_narrow_hole_in_the_outline_is_filled_without_a_trace() -> None:
    ring = Image.new("RGBA", (400, 400))
    ImageDraw.Draw(ring).ellipse((20, 20, 379, 379), fill="red")
    ImageDraw.Draw(ring).ellipse((182, 182, 217, 217), fill=(0, 0, 0, 0))  # an outline from all sides nearly closes it
    inside = pixels(finish(ring, shadow=False))[225:287, 225:287]
    assert inside[..., 3].min() > 250
    assert np.all((inside[..., :3].min(axis=-1) > 200) | (inside[..., 0] - inside[..., 2] > 60))  # white, or still red
