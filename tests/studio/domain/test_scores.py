from __future__ import annotations

import pytest

from studio.domain.scores import Scores, Word


@pytest.mark.parametrize(
    ("score", "word"), [(0.0, "low"), (0.333, "low"), (0.334, "fair"), (0.66, "fair"), (0.667, "good"), (1.0, "good")]
)
def test_thirds_are_the_words(score: float, word: str) -> None:
    assert Word.of(score) == word


def test_both_scores_count_and_neither_saves_the_other() -> None:
    even = Scores(likeness=0.5, prompt=0.5)
    assert even.together(0.3) == pytest.approx(0.5)
    assert Scores(likeness=0.99, prompt=0.02).together(0.5) < even.together(0.5)
    assert Scores(likeness=0.02, prompt=0.99).together(0.5) < even.together(0.5)


@pytest.mark.parametrize("fidelity", [0.0, 0.5, 1.0])
def test_better_in_either_is_better(fidelity: float) -> None:
    base = Scores(likeness=0.4, prompt=0.4).together(fidelity)
    assert Scores(likeness=0.5, prompt=0.4).together(fidelity) > base
    assert Scores(likeness=0.4, prompt=0.5).together(fidelity) > base


def test_fidelity_says_which_counts_more() -> None:
    alike, obedient = Scores(likeness=0.8, prompt=0.4), Scores(likeness=0.4, prompt=0.8)
    assert alike.together(1.0) > obedient.together(1.0)
    assert alike.together(0.0) < obedient.together(0.0)


def test_what_was_not_measured_does_not_count() -> None:
    assert Scores(prompt=0.3).together(0.9) == 0.3
    assert Scores(likeness=0.3).together(0.1) == 0.3
    assert Scores().together(0.5) == 0.0
