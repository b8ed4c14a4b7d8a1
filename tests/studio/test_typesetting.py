from __future__ import annotations

import pytest

from studio.typesetting import Box, broken, largest


def test_text_that_fits_is_one_line() -> None:
    assert broken("a few words", len, 20, 3) == ("a few words",)


def test_lines_are_even_rather_than_full() -> None:
    assert broken("aaa bbb ccc ddd", len, 12, 3) == ("aaa bbb", "ccc ddd")


def test_no_word_stands_alone_on_the_last_line() -> None:
    text = "what a very nice little day it is"
    lines = broken(text, len, 16, 5)
    assert lines is not None
    assert " " in lines[-1]
    assert " ".join(lines) == text


def test_line_ends_are_kept_and_count() -> None:
    assert broken("one\ntwo three", len, 20, 2) == ("one", "two three")
    assert broken("one\ntwo three", len, 20, 1) is None


@pytest.mark.parametrize(("text", "room", "lines"), [("unbreakable", 5, 9), ("a b c d e f", 3, 2)])
def test_what_does_not_fit_is_told(text: str, room: int, lines: int) -> None:
    assert broken(text, len, room, lines) is None


def test_nothing_is_no_line() -> None:
    assert broken("  \n ", len, 10, 2) == ()


def test_the_largest_size_that_fits_is_taken() -> None:
    box = Box(width=100, height=30, lines_max=2, leading=1.0)
    found = largest("abcde fghij", lambda line: len(line) * 0.5, box, [40, 20, 15, 10])
    assert found == (15, ("abcde fghij",))
    assert largest("abcde " * 100, len, box, [10, 1]) is None
