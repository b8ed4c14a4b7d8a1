from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.mini.data.scenes import GROUNDS, PLACES, ground_picture, place_layer, place_picture, wear

SIZE = 64


def block(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[20:44, 24:40] = (*colour, 255)
    return picture


@pytest.mark.parametrize("name", PLACES)
def test_places_fill_the_picture(name: str) -> None:
    picture = np.asarray(place_picture(name, SIZE, np.random.default_rng(0)))
    assert picture.shape == (SIZE, SIZE, 4)
    assert picture[..., 3].min() >= 220  # stars and bubbles let a little through
    assert (picture[..., 3] == 255).mean() > 0.8


@pytest.mark.parametrize("name", GROUNDS)
def test_grounds_are_plain(name: str) -> None:
    assert ground_picture(name, SIZE).getcolors() == [(SIZE * SIZE, (*GROUNDS[name], 255))]


def test_a_layer_is_cut_to_its_content_and_its_mask_is_its_own() -> None:
    canvas = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 255))
    mask = place_layer(canvas, block((200, 0, 0)), width=0.5, centre=(0.25, 0.5))
    rows, columns = np.flatnonzero(mask.max(axis=1) > 127), np.flatnonzero(mask.max(axis=0) > 127)
    assert len(rows) == 32  # the longer edge takes the width asked for
    assert abs(rows.mean() - 31.5) < 1 and abs(columns.mean() - 15.5) < 1
    pixels = np.asarray(canvas)
    assert (pixels[mask == 255][:, :3] == (200, 0, 0)).all()
    assert not pixels[mask == 0][:, :3].any()


def test_an_empty_layer_changes_nothing() -> None:
    canvas = ground_picture("blue", SIZE)
    mask = place_layer(canvas, np.zeros((SIZE, SIZE, 4), np.uint8), width=0.5, centre=(0.5, 0.5), angle=10)
    assert not mask.any()
    assert canvas.getcolors() == ground_picture("blue", SIZE).getcolors()


def test_a_hat_is_on_top_and_not_in_the_mask_of_the_subject() -> None:
    layered = wear(block((200, 0, 0)), block((0, 0, 200)), SIZE, np.random.default_rng(0))
    seen = layered.picture[..., 3] > 127
    hat = seen & (layered.picture[..., 2] > 127)
    subject = layered.mask > 127
    assert hat.any() and subject.any()
    assert np.flatnonzero(hat.any(axis=1))[0] < np.flatnonzero(subject.any(axis=1))[0]
    assert subject.sum() < seen.sum()
