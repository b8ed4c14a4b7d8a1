from __future__ import annotations

import pytest

from studio.domain.posters import SIZES, PosterWords, size_of
from studio.errors import InvalidInput


def test_sizes_are_found_in_any_case_and_say_what_they_are() -> None:
    assert size_of(" a3 ").says == "A3 · 297 × 420 mm"
    assert size_of("24X36IN").says == "24x36in · 610 × 914 mm"
    assert size_of("story").says == "Story · 1080 × 1920 px"
    with pytest.raises(InvalidInput, match="no size 'B7'"):
        size_of("B7")


def test_paper_has_a_bleed_and_screens_have_none() -> None:
    for size in SIZES.values():
        assert size.bleed == (0 if size.pixels else 3)


def test_words_are_tidied_and_keep_their_lines() -> None:
    words = PosterWords(title="  Bo  &  I ", credits=" a  b \n\n c ")
    assert (words.title, words.credits) == ("Bo & I", "a b\n\nc")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [({"title": " "}, "title is empty"), ({"title": "x" * 161}, "161"), ({"line": "x" * 161}, "line has 161"),
     ({"credits": "x" * 401}, "credits has 401")],
)  # fmt: skip
def test_words_out_of_bounds_are_refused(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        PosterWords(**{"title": "Bo", **values})
