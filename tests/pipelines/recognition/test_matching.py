from __future__ import annotations

import numpy as np
import pytest

from pipelines.recognition.matching import Calibration, KnownThing, Matcher, assign, likeness
from pipelines.recognition.regions import WHOLE

D = 16
NOTHING = np.zeros((0, D), np.float32)
MATCHER = Matcher(Calibration(threshold=0.6, slope=20.0))
LEFT, RIGHT = (0.0, 0.2, 0.4, 0.8), (0.6, 0.2, 1.0, 0.8)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


AXES = np.eye(D, dtype=np.float32)


def near(axis: int, by: float, other: int) -> np.ndarray:
    """A look whose cosine to `axis` is `by`; what is left of it points to `other`."""
    return unit(by * AXES[axis] + np.sqrt(1 - by**2) * AXES[other])


def thing(*looks: np.ndarray, refused: np.ndarray = NOTHING) -> KnownThing:
    return KnownThing(looks=np.stack(looks), not_looks=refused)


class TestScores:
    def test_at_the_threshold_yes_and_no_are_equally_likely(self) -> None:
        looks = np.stack([near(0, 0.6, 5), near(0, 0.9, 5), near(0, 0.2, 5)])
        scores = MATCHER.scores(looks, [thing(AXES[0])])
        assert scores[0, 0] == pytest.approx(0.5, abs=1e-3)
        assert scores[1, 0] > 0.99 and scores[2, 0] < 0.01

    def test_more_known_things_ask_for_more_likeness(self) -> None:
        matcher = Matcher(Calibration(threshold=0.6, slope=20.0, growth=0.1, things=2))
        looks, others = near(0, 0.7, 5)[None], [thing(AXES[axis]) for axis in range(6, 16)]
        known = [thing(AXES[0]), *(others * 2)[:19]]
        assert matcher.scores(looks, known)[0, 0] == pytest.approx(0.5, abs=1e-3)  # 20: 0.6 + 0.1
        assert matcher.scores(looks, known[:2])[0, 0] == matcher.scores(looks, known[:1])[0, 0] > 0.85
        assert matcher.scores(looks, known[:1], among=20)[0, 0] == pytest.approx(0.5, abs=1e-3)

    def test_nothing_known_means_no_column(self) -> None:
        assert MATCHER.scores(AXES[:3], []).shape == (3, 0)

    def test_what_is_more_like_a_refused_look_is_out(self) -> None:
        twin = near(0, 0.8, 1)  # a look-alike of the thing
        again = near(0, 0.8, 2)
        again = unit(0.7 * twin + 0.3 * again)  # another photo of the look-alike
        genuine = near(0, 0.8, 3)
        known = thing(AXES[0], refused=twin[None])
        before = MATCHER.scores(np.stack([again, genuine]), [thing(AXES[0])])[:, 0]
        after = MATCHER.scores(np.stack([again, genuine]), [known])[:, 0]
        assert before.min() > 0.9
        assert after[0] == 0.0
        assert after[1] == before[1]


class TestLikeness:
    def test_one_remembered_look_is_its_cosine(self) -> None:
        assert likeness(near(0, 0.7, 3)[None], AXES[:1])[0] == pytest.approx(0.7, abs=1e-5)

    def test_it_lies_between_the_mean_and_the_nearest(self) -> None:
        look = near(0, 0.9, 1)
        value = likeness(look[None], AXES[:2])[0]
        cosines = AXES[:2] @ look
        assert cosines.mean() < value < cosines.max()

    def test_it_does_not_grow_with_the_number_of_equal_photos(self) -> None:
        look = near(0, 0.7, 3)[None]
        assert likeness(look, np.repeat(AXES[:1], 9, axis=0))[0] == pytest.approx(0.7, abs=1e-5)


class TestAssign:
    def test_two_known_things_and_one_unknown(self) -> None:
        low = (0.4, 0.85, 0.6, 1.0)
        scores = np.array([[0.1, 0.1], [0.9, 0.0], [0.2, 0.95], [0.3, 0.1]], np.float32)
        found = assign([WHOLE, LEFT, RIGHT, low], scores)
        assert [(one.region, one.known) for one in found] == [(2, 1), (1, 0), (3, None)]
        assert found[0].score == pytest.approx(0.95) and found[2].score == pytest.approx(0.3)

    def test_a_thing_is_named_once(self) -> None:
        found = assign([WHOLE, LEFT, RIGHT], np.array([[0.2], [0.8], [0.9]], np.float32))
        assert [(one.region, one.known) for one in found] == [(2, 0), (1, None)]

    def test_a_place_has_one_name(self) -> None:
        nearly = (0.0, 0.2, 0.42, 0.8)
        found = assign([WHOLE, LEFT, nearly], np.array([[0.0, 0.0], [0.9, 0.7], [0.8, 0.85]], np.float32))
        assert [(one.region, one.known) for one in found] == [(1, 0)]

    def test_a_part_is_shown_rather_than_the_whole_photo(self) -> None:
        found = assign([WHOLE, LEFT], np.array([[0.9], [0.6]], np.float32))
        assert [(one.region, one.known) for one in found] == [(1, 0)]
        assert found[0].score == pytest.approx(0.9)

    def test_the_whole_photo_stands_for_a_thing_without_a_place(self) -> None:
        found = assign([WHOLE, LEFT], np.array([[0.9], [0.1]], np.float32))
        assert [(one.region, one.known) for one in found] == [(0, 0)]  # what stands out is likely to be it

    def test_nothing_known_leaves_everything_unknown(self) -> None:
        found = assign([WHOLE, LEFT, RIGHT], np.zeros((3, 0), np.float32))
        assert [(one.region, one.known, one.score) for one in found] == [(1, None, 0.0), (2, None, 0.0)]

    def test_small_unknown_places_are_not_mentioned(self) -> None:
        speck = (0.5, 0.5, 0.55, 0.55)
        assert assign([WHOLE, speck], np.zeros((2, 1), np.float32)) == []
