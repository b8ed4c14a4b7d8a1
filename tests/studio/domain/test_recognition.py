from __future__ import annotations

import pytest

from studio.domain.recognition import PHOTOS_MAX, Certainty, Found, Recognition, check_photo_count
from studio.errors import InvalidInput


def found(concept: str | None, score: float) -> Found:
    return Found(region=0, box=(0, 0, 1, 1), concept_id=concept and concept.lower(), concept=concept, score=score)


@pytest.mark.parametrize(
    ("concept", "score", "words"),
    [
        ("Bo", 0.95, Certainty.SURE),
        ("Bo", 0.8, Certainty.LIKELY),
        ("Bo", 0.51, Certainty.PERHAPS),
        (None, 0.49, Certainty.UNKNOWN),
    ],
)
def test_a_score_in_words(concept: str | None, score: float, words: Certainty) -> None:
    assert found(concept, score).certainty is words


def test_names_and_unknown_places_are_counted() -> None:
    answer = Recognition(width=9, height=9, found=(found("Bo", 0.9), found("Mug", 0.6), found(None, 0.2)))
    assert answer.concepts == ("Bo", "Mug")
    assert answer.unknown == 1


@pytest.mark.parametrize(("count", "named"), [(0, "no photo"), (PHOTOS_MAX + 1, "41")])
def test_no_photo_and_too_many_are_refused(count: int, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        check_photo_count(count)
