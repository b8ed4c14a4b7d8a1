from __future__ import annotations

import unicodedata

import pytest

from studio.domain.mentions import find_mentions, normalize, replace_mentions, unknown_concept

HANDLES = {"bo", "bo-b", "zoë", "red-mug"}


@pytest.mark.parametrize(
    ("prompt", "handles"),
    [
        ("@bo", ["bo"]),
        ("a happy @Bo with a hat", ["bo"]),
        ("@bo's hat, (@red-mug)!", ["bo", "red-mug"]),
        ("@bo and @BO", ["bo", "bo"]),
        ("@red_mug", ["red-mug"]),
        ("@bo-b", ["bo-b"]),
        ("a @bo-shaped cloud", ["bo"]),
        ("a @bo-b-shaped cloud", ["bo-b"]),
        ("@Zoë.", ["zoë"]),
        ("@nobody", ["nobody"]),
        ("mail bo@example.com or a.b+c@bo.org", []),
        ("@ bo, @-, @@bo, 5 @ 3, @bo@example.com", []),
        ("", []),
    ],
)
def test_mentions_are_found_and_addresses_are_not(prompt: str, handles: list[str]) -> None:
    assert [mention.handle for mention in find_mentions(prompt, HANDLES)] == handles


def test_a_mention_says_where_it_is() -> None:
    prompt = "a @bo-shaped cloud"
    (mention,) = find_mentions(prompt, HANDLES)
    assert prompt[mention.start : mention.end] == "@bo"


def test_an_accent_of_two_code_points_finds_its_concept() -> None:
    prompt = normalize(unicodedata.normalize("NFD", "@Zoë"))
    assert [mention.handle for mention in find_mentions(prompt, HANDLES)] == ["zoë"]


def test_replacing_leaves_everything_else() -> None:
    prompt = "@Bo's @nobody and @red_mug at bo@example.com"
    assert replace_mentions(prompt, HANDLES, lambda handle: f"<{handle}>") == (
        "<bo>'s @nobody and <red-mug> at bo@example.com"
    )


@pytest.mark.parametrize(
    ("wanted", "handles", "hint"),
    [
        ("boo", ["bo", "mug"], "Did you mean @bo?"),
        ("zzz", ["mug", "bo"], "Known are @bo, @mug."),
        ("zzz", [f"a{number}" for number in range(7)], "@a4 and 2 more."),
        ("bo", [], "No concept is known yet"),
    ],
)
def test_the_error_of_an_unknown_name_helps(wanted: str, handles: list[str], hint: str) -> None:
    message = str(unknown_concept(wanted, handles))
    assert f"@{wanted}" in message
    assert hint in message
