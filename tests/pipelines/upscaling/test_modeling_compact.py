from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.upscaling.modeling_compact import CompactUpscaler, spread_colour


def silent(scale: int = 4) -> CompactUpscaler:
    """A network that adds nothing to the nearest-neighbour enlargement."""
    model = CompactUpscaler(channels=4, layers=1, scale=scale).eval()
    torch.nn.init.zeros_(model.body[-1].weight)
    torch.nn.init.zeros_(model.body[-1].bias)
    return model


def sticker() -> Image.Image:
    """A red square on nothing; the nothing is green, which must not show."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 1] = 255
    pixels[2:6, 2:6] = (200, 30, 40, 255)
    return Image.fromarray(pixels, "RGBA")


@pytest.mark.parametrize("scale", [2, 4])
def test_pictures_are_enlarged_with_their_alpha(scale: int) -> None:
    with torch.no_grad():
        assert CompactUpscaler(channels=4, layers=1, scale=scale)(torch.rand(2, 3, 6, 8)).shape == (
            2,
            3,
            6 * scale,
            8 * scale,
        )
    big = silent(scale).enlarge([sticker(), sticker()])
    assert [(picture.mode, picture.size) for picture in big] == [("RGBA", (8 * scale, 8 * scale))] * 2
    expected = np.asarray(sticker().resize((8 * scale, 8 * scale), Image.Resampling.NEAREST))
    seen = expected[..., 3] == 255
    assert np.array_equal(np.asarray(big[0])[..., 3], expected[..., 3])
    assert np.array_equal(np.asarray(big[0])[seen], expected[seen])


def test_colours_are_carried_into_the_surroundings() -> None:
    values = torch.from_numpy(np.asarray(sticker()).copy()).permute(2, 0, 1)[None].float() / 255
    colour, alpha = values[:, :3], values[:, 3:]
    spread = spread_colour(colour, alpha, rounds=1)
    red = torch.tensor([200, 30, 40]) / 255
    torch.testing.assert_close(spread, red.view(1, 3, 1, 1).expand_as(spread))
    assert torch.equal(spread_colour(colour, torch.ones_like(alpha)), colour)
    assert not spread_colour(colour, torch.zeros_like(alpha)).any()


def test_saved_and_read_is_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CompactUpscaler(channels=4, layers=2, scale=2)
    model.save_pretrained(tmp_path)
    read = CompactUpscaler.from_pretrained(tmp_path)
    pictures = torch.rand(1, 3, 6, 6)
    assert torch.equal(read(pictures), model(pictures))
