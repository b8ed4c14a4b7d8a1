from __future__ import annotations

import pytest

from studio.domain.photo_sets import what_is_mixed


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([], ""),
        ([[0]], ""),
        ([[0, 1, 2]], ""),
        ([[0], [1]], "The two photos do not look alike."),
        ([[0], [1], [2]], "No two of the 3 photos look alike."),
        ([[0, 1, 3], [2]], "Photo 3 of 4 does not look like the others."),
        ([[1, 2, 4, 5], [3], [0]], "Photos 1 and 4 of 6 do not look like the others."),
        ([[0, 2], [1, 3]], "Photos 1 and 3 of 4 look alike, but the others do not look like them."),
    ],
)
def test_a_sentence_says_which_photos(groups: list[list[int]], sentence: str) -> None:
    assert what_is_mixed(groups) == sentence
