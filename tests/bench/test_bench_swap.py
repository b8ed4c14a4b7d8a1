from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.features.image_encoders import TinyVitEncoder
from tests.bench.bench_swap import Judge, _cut, figures
from tests.pipelines.features.tiny_onnx import write_tinyvit


def block(colour: tuple[int, int, int], edge: int = 40) -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    picture.paste((*colour, 255), (6, 6, 6 + edge, 6 + edge))
    return picture


def test_the_judge_tells_two_things_apart(tmp_path: Path) -> None:
    references = [block((220, 30, 30)), block((30, 60, 220)), block((40, 200, 60))]
    judge = Judge(TinyVitEncoder(write_tinyvit(tmp_path / "vit.onnx")), references)
    reddish = block((200, 50, 40), 30)
    assert judge.prefers_first(reddish, 0, 1).all()
    assert not judge.prefers_first(reddish, 1, 0).any()


def test_an_exchange_needs_the_left_side_of_both_pictures() -> None:
    right = np.ones((4, 1, 2, 2, 3), bool)
    assert set(figures(right).values()) == {1.0}
    right[0, 0, 1, 0] = False  # one pair whose left side stays what it was
    found = figures(right)
    assert (found["exchange, both"], found["side, both"]) == (0.75, 0.938)
    chance = np.random.default_rng(0).random((4000, 1, 2, 2, 3)) < 0.5
    assert abs(figures(chance)["exchange, colours"] - 0.25) < 0.03
    assert abs(figures(chance)["side, features"] - 0.5) < 0.03


def test_a_crop_shows_its_own_region_alone() -> None:
    picture = Image.new("RGBA", (20, 10), (10, 20, 30, 255))
    region = np.zeros((10, 20), np.uint8)
    region[2:6, 3:9] = 255
    cut = _cut(picture, region)
    assert cut.size == (6, 4) and np.asarray(cut)[..., 3].min() == 255
