from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.recognition.one_subject import groups_alike, load_threshold


def looks(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_one_link_is_enough() -> None:
    half = float(np.cos(np.radians(40)))
    assert groups_alike(looks(0, 70, 35), half) == [[0, 1, 2]]
    assert groups_alike(looks(0, 70), half) == [[0], [1]]


def test_the_largest_group_comes_first_then_the_one_with_the_first_photo() -> None:
    assert groups_alike(looks(0, 90, 95, 180), 0.9) == [[1, 2], [0], [3]]


@pytest.mark.parametrize("count", [0, 1])
def test_one_photo_is_one_thing(count: int) -> None:
    assert groups_alike(looks(*range(count)), 0.5) == [[0]] * count


def test_what_is_shipped_can_be_read(tmp_path: Path) -> None:
    assert 0.2 < load_threshold() < 0.6
    with pytest.raises(FileNotFoundError):
        load_threshold(tmp_path / "nowhere.yaml")
