from __future__ import annotations

import numpy as np
import pytest

from pipelines.mini.photographed import photographed

SIZE = 48


def block() -> np.ndarray:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[12:36, 10:38] = (210, 60, 50, 255)
    return picture


def shot(seed: int, picture: np.ndarray | None = None) -> np.ndarray:
    return photographed(block() if picture is None else picture, np.random.default_rng(seed))


def test_the_same_light_makes_the_same_photo() -> None:
    picture = block()
    first = shot(3, picture)
    assert (first.shape, first.dtype) == ((SIZE, SIZE, 4), np.uint8)
    assert np.array_equal(first, shot(3)) and not np.array_equal(first, shot(4))
    assert np.array_equal(picture, block())


@pytest.mark.parametrize("seed", range(8))
def test_the_thing_stays_where_and_what_it_was(seed: int) -> None:
    alpha = shot(seed)[..., 3] > 127
    before = block()[..., 3] > 127
    assert (alpha & before).sum() / (alpha | before).sum() > 0.9
    red, green, blue = shot(seed)[16:32, 14:34, :3].reshape(-1, 3).mean(axis=0)
    assert red > 1.5 * green and red > 1.5 * blue
    assert not shot(seed)[:6, :, 3].any()  # nothing appears far from it


def test_surfaces_are_not_even_any_more() -> None:
    spread = [shot(seed)[16:32, 14:34, :3].astype(float).std(axis=(0, 1)).mean() for seed in range(8)]
    assert min(spread) > 1 and max(spread) > 6


def test_outlines_are_soft() -> None:
    edges = [((shot(seed)[..., 3] > 20) & (shot(seed)[..., 3] < 235)).sum() for seed in range(8)]
    assert max(edges) > 60


def test_an_empty_picture_stays_empty() -> None:
    assert not shot(0, np.zeros((SIZE, SIZE, 4), np.uint8))[..., 3].any()
