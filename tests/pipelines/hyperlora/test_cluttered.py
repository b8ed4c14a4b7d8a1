from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.hyperlora.cluttered import cut_from_clutter

SEEDS = range(12)


@pytest.fixture(scope="module")
def square() -> Image.Image:
    picture = Image.new("RGBA", (60, 60))
    picture.paste((220, 40, 40, 255), (15, 15, 45, 45))
    return picture


def opaque(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.getchannel("A")) > 127


def test_most_of_the_subject_stays_as_it_is(square: Image.Image) -> None:
    for seed in SEEDS:
        cut = cut_from_clutter(square, np.random.default_rng(seed))
        left = (cut.width - square.width) // 2
        inside = np.asarray(cut)[left + 15 : left + 45, left + 15 : left + 45]
        assert (inside[..., 3] > 127).mean() > 0.7
        assert np.all(inside[..., :3] == (220, 40, 40))  # what is missed is the outline, never the colours


def test_some_of_the_ground_is_left(square: Image.Image) -> None:
    extra = []
    for seed in SEEDS:
        cut = cut_from_clutter(square, np.random.default_rng(seed))
        red = np.all(np.asarray(cut)[..., :3] == (220, 40, 40), axis=-1)
        extra.append((opaque(cut) & ~red).sum() / 900)
    assert np.mean(extra) > 0.05 and max(extra) < 0.9


def test_it_depends_on_the_numbers_drawn_alone(square: Image.Image) -> None:
    first, again, other = (cut_from_clutter(square, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_an_empty_picture_has_no_scraps() -> None:
    cut = cut_from_clutter(Image.new("RGBA", (40, 40)), np.random.default_rng(1))
    assert not opaque(cut).any()
