from __future__ import annotations

import numpy as np
import pytest

from pipelines.features.preprocessing import normalise_rows
from pipelines.pigeon.histories import representatives
from pipelines.pigeon.interests import allocate, find_interests, smoothed


def clusters(*sizes: int) -> np.ndarray:
    numbers = np.random.default_rng(0)
    centres = np.eye(12)[: len(sizes)]
    rows = [centre + 0.05 * numbers.normal(size=(size, 12)) for centre, size in zip(centres, sizes, strict=True)]
    return normalise_rows(np.concatenate(rows))


def ones(points: np.ndarray) -> np.ndarray:
    return np.ones(len(points), np.float32)


def test_as_many_interests_as_there_are() -> None:
    points = clusters(20, 6, 4)
    found = find_interests(points, ones(points))
    assert len(found) == 3
    assert found.shares.tolist() == pytest.approx([20 / 30, 6 / 30, 4 / 30], abs=1e-5)
    assert len(set(found.members[:20])) == 1


def test_one_taste_stays_one() -> None:
    points = clusters(25)
    assert len(find_interests(points, ones(points))) == 1
    assert len(find_interests(clusters(8, 8), ones(clusters(8, 8)), most=1)) == 1
    with pytest.raises(ValueError, match="No liked picture"):
        find_interests(points[:0], ones(points[:0]))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("shares", [(1.0,), (0.9, 0.1), (0.7, 0.2, 0.1), (0.25,) * 4])
def test_candidates_are_dealt_out_without_rest(count: int, shares: tuple[float, ...]) -> None:
    dealt = allocate(count, shares)
    assert sum(dealt) == count and min(dealt) >= (1 if count >= len(shares) else 0)


def test_minority_tastes_survive() -> None:
    assert allocate(4, (0.94, 0.03, 0.03)) == [2, 1, 1]
    points = clusters(40, 3)
    kept = representatives(points, ones(points), 8)
    assert len(kept) == len(set(kept)) == 8 and any(place >= 40 for place in kept)


def test_a_short_history_stands_for_itself() -> None:
    assert representatives(clusters(5), ones(clusters(5)), 8) == [0, 1, 2, 3, 4]


def test_neighbours_only_with_consent() -> None:
    mine, theirs = np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.5, 0.5]])
    assert smoothed(mine, theirs[:0], 0.5) is mine
    assert smoothed(mine, theirs, 0.4).tolist() == pytest.approx([0.7, 0.3])
