from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.mini.heads import CELLS, EDGE, HeadFinder, HeadProbe, framed, head_box, patches

WIDTH = 8


class ColourEncoder:
    """Patches whose values are the colours that are seen there; counts its looks."""

    def __init__(self) -> None:
        self.looks = 0

    def tokens(self, images: list[Image.Image]) -> NDArray[np.float32]:
        self.looks += len(images)
        small = [np.asarray(image.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32) / 255 for image in images]
        flat = np.stack([picture[..., :3].reshape(-1, 3) for picture in small])
        values = np.concatenate([flat, np.zeros((len(images), CELLS * CELLS, WIDTH - 3), np.float32)], axis=2)
        return np.concatenate([np.zeros((len(images), 1, WIDTH), np.float32), values], axis=1)


def animal(mirrored: bool = False) -> Image.Image:
    """A blue body, a blue tail at its right up to the top, a red head at its left, lower than the tail."""
    picture = Image.new("RGBA", (200, 160))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((20, 70, 180, 150), fill=(0, 0, 255))
    brush.rectangle((150, 10, 180, 150), fill=(0, 0, 255))
    brush.rectangle((20, 50, 70, 100), fill=(255, 0, 0))
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture


@pytest.fixture
def probe() -> HeadProbe:
    weights = np.zeros(WIDTH, np.float32)
    weights[0], weights[2] = 0.4, -0.4  # red, and not blue
    return HeadProbe(weights, 0.0)


def test_what_is_opaque_fills_a_square() -> None:
    shown, (left, top, edge) = framed(animal())
    assert shown.size == (EDGE, EDGE)
    box = shown.getchannel("A").point(lambda alpha: 255 if alpha > 127 else 0).getbbox()
    assert box is not None and box[2] - box[0] == pytest.approx(0.88 * EDGE, abs=2)
    assert (left + edge / 2, top + edge / 2) == (pytest.approx(100.5), pytest.approx(80.5))


def test_patches_are_normal_and_know_what_is_covered() -> None:
    shown, _ = framed(animal())
    tokens, seen = patches(shown, ColourEncoder())
    assert tokens.shape == (CELLS * CELLS, WIDTH) and 0.2 < seen.mean() < 0.8
    np.testing.assert_allclose(tokens.mean(axis=1), 0, atol=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_head_is_found_below_a_raised_tail(probe: HeadProbe, mirrored: bool) -> None:
    found = HeadFinder(ColourEncoder, probe)(animal(mirrored))
    assert found is not None
    x, top, width = found
    assert x == pytest.approx((155 if mirrored else 45) / 200, abs=0.04)
    assert top == pytest.approx(50 / 160, abs=0.06)
    assert width == pytest.approx(50 / 200, abs=0.06)


def test_a_cut_out_is_looked_at_once_and_the_network_opened_for_the_first(probe: HeadProbe) -> None:
    opened: list[ColourEncoder] = []

    def open_encoder() -> ColourEncoder:
        opened.append(ColourEncoder())
        return opened[-1]

    finder = HeadFinder(open_encoder, probe)
    assert not opened
    assert finder(animal()) == finder(animal())
    assert finder(animal(mirrored=True)) is not None
    assert len(opened) == 1 and opened[0].looks == 2


def test_where_no_patch_is_sure_there_is_no_head(probe: HeadProbe) -> None:
    blue = Image.new("RGBA", (60, 60), (0, 0, 255, 255))
    assert HeadFinder(ColourEncoder, probe)(blue) is None
    assert head_box(np.zeros((CELLS, CELLS), np.float32)) is None


def test_only_what_hangs_together_with_the_surest_place_counts() -> None:
    answers = np.zeros((CELLS, CELLS), np.float32)
    answers[2:6, 1:5] = 1
    alone = head_box(answers)
    answers[9:12, 9:12] = 0.8
    assert alone is not None and head_box(answers) == alone
    np.testing.assert_allclose(alone, (1, 2, 5, 6), atol=0.3)  # the corners, being less sure, are left out


def test_a_probe_is_read_as_it_was_written(probe: HeadProbe, tmp_path: Path) -> None:
    probe.write(tmp_path / "probe.json")
    again = HeadProbe.read(tmp_path / "probe.json")
    np.testing.assert_allclose(again.weights, probe.weights, rtol=1e-3)
    assert again.offset == probe.offset


def test_the_shipped_probe_fits_the_encoder() -> None:
    shipped = HeadProbe.read(Path(__file__).resolve().parents[3] / "assets" / "mini" / "library" / "head_probe.json")
    assert shipped.weights.shape == (768,) and np.isfinite(shipped.weights).all() and shipped.weights.any()
