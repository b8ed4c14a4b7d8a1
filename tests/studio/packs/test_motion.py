from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.domain.stickers import Motion
from studio.packs.motion import Moving

MOTIONS = [motion for motion in Motion if motion is not Motion.NONE]


def sticker(edge: int = 256) -> Image.Image:
    """A red block with a white border, as large as a finished sticker, and green where nothing is seen."""
    picture = Image.new("RGBA", (edge, edge), (0, 255, 0, 0))
    rim = edge // 16
    ImageDraw.Draw(picture).rectangle((rim, rim, edge - rim, edge - rim), fill="white")
    ImageDraw.Draw(picture).rectangle((2 * rim, 2 * rim, edge - 2 * rim, edge - 2 * rim), fill="red")
    return picture


def alpha(frame: Image.Image) -> np.ndarray:
    return np.asarray(frame.getchannel("A")).astype(int)


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_loop_moves_has_no_seam_and_is_short(motion: Motion) -> None:
    moving = Moving(sticker(), motion, 128)
    frames = moving.frames(25)
    count, each = moving.rhythm(25)
    assert len(frames) == count
    assert count * each <= 3000
    steps = [difference(one, other) for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) > 0.5
    assert steps[-1] <= max(steps[:-1])  # from the last frame to the first is a step like any other
    assert difference(moving.frame(0), moving.frame(1)) < 1


@pytest.mark.parametrize("motion", MOTIONS)
def test_nothing_is_cut_off_but_where_it_dives(motion: Motion) -> None:
    for frame in Moving(sticker(), motion, 128).frames(20):
        seen = alpha(frame)
        assert max(seen[0].max(), seen[:, 0].max(), seen[:, -1].max()) < 30
        if motion is not Motion.WAVE:
            assert seen[-1].max() < 30


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_first_frame_shows_the_whole_sticker(motion: Motion) -> None:
    first, *_ = Moving(sticker(), motion, 128).frames(25)
    red = (np.asarray(first)[..., 0] > 200) & (np.asarray(first)[..., 1] < 60) & (alpha(first) > 250)
    assert red.mean() > 0.35


@pytest.mark.parametrize("motion", MOTIONS)
def test_edges_take_no_colour_of_what_is_transparent(motion: Motion) -> None:
    for frame in Moving(sticker(), motion, 128).frames(10):
        pixels = np.asarray(frame).astype(int)
        edge = pixels[(pixels[..., 3] > 24) & (pixels[..., 3] < 230)]
        assert edge[:, 0].min() > 150  # white, red and a star's gold all have red; the green below has none
        assert (pixels[pixels[..., 3] == 0][:, :3] == 255).all()


def test_frames_are_as_large_as_asked_and_alike() -> None:
    large = Moving(sticker(), Motion.WIGGLE, 256)
    small = large.at(128)
    assert large.at(256) is large
    assert small.frame(0.3).size == (128, 128)
    seen = [
        Image.alpha_composite(Image.new("RGBA", one.frame(0.3).size, "grey"), one.frame(0.3)) for one in (large, small)
    ]
    assert difference(seen[0].resize((128, 128), Image.Resampling.BOX), seen[1]) < 4


def test_stars_come_and_go_around_a_sticker_that_sparkles() -> None:
    gold = [
        int(((pixels[..., 0] > 230) & (abs(pixels[..., 1] - 196) < 25) & (pixels[..., 2] < 90)).sum())
        for pixels in (np.asarray(frame).astype(int) for frame in Moving(sticker(), Motion.SPARKLE, 128).frames(10))
    ]
    assert min(gold) > 0
    assert max(gold) > min(gold)
