from __future__ import annotations

import pytest

from studio.domain.titles import TitleRequest, tones_of
from studio.errors import InvalidInput


def test_the_strongest_two_leanings_are_heard() -> None:
    assert tones_of({"mood": -0.3, "warmth": 0.9, "brightness": 0.2, "gloss": 1.0}) == ("warmth", "peace and quiet")
    assert tones_of({"mood": 0.5}) == ("fun",)
    assert tones_of({"mood": 0.1, "gloss": -1.0}) == ()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "which picture"),
        ({"picture": "a", "concept": "Bo"}, "which picture"),
        ({"concept": "Bo", "count": 0}, "count is 0"),
        ({"concept": "Bo", "count": 6}, "count is 6"),
    ],
)
def test_what_cannot_be_asked_is_told(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        TitleRequest(template="film", **fields)  # type: ignore[arg-type]
