from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.features.image_encoders import TinyVitEncoder
from pipelines.hyperlora.comparing import Likeness, gain, likeness, mean_colour
from tests.pipelines.features.tiny_onnx import write_tinyvit


def block(colour: tuple[int, int, int], size: int = 40) -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    picture.paste((*colour, 255), (8, 8, 8 + size, 8 + size))
    return picture


def test_pictures_of_the_subject_are_nearer_than_others(tmp_path: Path) -> None:
    encoder = TinyVitEncoder(write_tinyvit(tmp_path / "vit.onnx"))
    found = likeness(
        [block((210, 30, 40)), block((30, 60, 220))], [block((220, 30, 30), size) for size in (30, 44)], encoder
    )
    assert found.cosines.shape == found.colours.shape == (2,)
    assert found.cosines[0] > found.cosines[1]
    assert found.colours[0] < 10 < found.colours[1]


def test_colours_are_measured_where_a_picture_is_opaque() -> None:
    np.testing.assert_allclose(mean_colour(block((255, 255, 255))), [100, 0, 0], atol=1)
    np.testing.assert_allclose(mean_colour(block((255, 0, 0))), [54, 81, 70], atol=2)
    assert mean_colour(Image.new("RGBA", (4, 4))).tolist() == [50.0, 0.0, 0.0]


def of(cosines: list[float], colour: float) -> Likeness:
    return Likeness(cosines=np.array(cosines, np.float32), colours=np.full(len(cosines), colour))


@pytest.mark.parametrize(
    ("after", "colour", "helps"),
    [
        ([0.6, 0.7, 0.65], 10.0, True),
        ([0.6, 0.7, 0.65], 10.9, True),
        ([0.6, 0.7, 0.65], 12.0, False),  # the colours have suffered
        ([0.5, 0.6, 0.55], 10.0, False),
        ([0.9, 0.3, 0.5], 5.0, False),  # chance
    ],
)
def test_a_gain_has_to_be_more_than_chance(after: list[float], colour: float, helps: bool) -> None:
    found = gain(of([0.5, 0.6, 0.54], 10.0), of(after, colour))
    assert found.helps is helps
    assert found.after - found.before == pytest.approx(np.mean(after) - np.mean([0.5, 0.6, 0.54]), abs=1e-6)


def test_of_one_picture_nothing_can_be_said() -> None:
    assert not gain(of([0.1], 10.0), of([0.9], 1.0)).helps
