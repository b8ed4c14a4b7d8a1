from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from studio.errors import InvalidInput
from studio.packs.encoding import png, preview, webp


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


def test_a_preview_is_small_and_keeps_its_transparency() -> None:
    picture = Image.new("RGBA", (512, 512))
    picture.paste((200, 30, 40, 255), (100, 100, 400, 400))
    shown = opened(preview(picture, 128)).convert("RGBA")
    assert shown.size == (128, 128)
    assert (shown.getpixel((2, 2))[3], shown.getpixel((64, 64))[3]) == (0, 255)  # type: ignore[index]
