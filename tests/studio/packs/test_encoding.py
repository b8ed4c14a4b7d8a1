from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from studio.errors import InvalidInput
from studio.packs.encoding import animated_webp, png, webp


def noise(size: int = 512) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size, 4), dtype=np.uint8))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_simple_picture_is_kept_without_loss() -> None:
    picture = Image.new("RGBA", (512, 512), (10, 200, 30, 128))
    data = webp(picture, 100_000)
    assert np.array_equal(np.asarray(opened(data).convert("RGBA")), np.asarray(picture))


def test_the_richest_picture_fits_and_uses_the_room_there_is() -> None:
    data = webp(noise(), 320_000)
    assert 250_000 < len(data) <= 320_000
    assert opened(data).size == (512, 512)


def test_what_cannot_fit_is_said() -> None:
    with pytest.raises(InvalidInput, match="500 bytes"):
        webp(noise(64), 500)
    with pytest.raises(InvalidInput, match="500 bytes"):
        png(noise(64), 500)


def test_a_png_takes_fewer_colours_where_it_has_to() -> None:
    assert opened(png(noise(128))).mode == "RGBA"
    data = png(noise(128), 20_000)
    assert len(data) <= 20_000
    assert opened(data).convert("RGBA").size == (128, 128)


def test_an_animation_loops_and_keeps_its_limit() -> None:
    frames = [Image.new("RGBA", (64, 64), (step * 20, 0, 0, 200)) for step in range(6)]
    data = animated_webp(frames, 50_000, 100)
    with opened(data) as animation:
        assert (animation.n_frames, animation.info["loop"]) == (6, 0)  # type: ignore[attr-defined]
