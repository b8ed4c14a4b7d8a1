from __future__ import annotations

import pytest

from pipelines.mini.casting import Role, cast
from pipelines.mini.scene import Scene, parse

NAMES = ("dog", "cat", "mug", "red heart", "crown")


def read(words: str) -> Scene:
    return parse(words, NAMES.__contains__)


def placed(prompt: str, *words: str) -> tuple[list[tuple[str, int | None]], list[str]]:
    """Who leads and who stands beside, by name and number; and the companions."""
    found = cast(read(prompt), words, read)
    assert found.roles == (found.lead, *found.peers, *found.companions)
    return [(role.words, role.actor) for role in (found.lead, *found.peers)], [role.words for role in found.companions]


@pytest.mark.parametrize(
    ("prompt", "words", "expected"),
    [
        ("a dog", (), ([("dog", None)], [])),
        ("a dog with a cat", (), ([("dog", None)], ["cat"])),
        ("a dog", ("dog",), ([("dog", 0)], [])),
        ("a dog", ("",), ([("dog", 0)], [])),
        ("a dog and a cat", ("dog", "cat"), ([("dog", 0), ("cat", 1)], [])),
        ("a dog and a dog", ("dog", "dog"), ([("dog", 0), ("dog", 1)], [])),
        ("a dog next to a cat with a mug", ("dog", "cat"), ([("dog", 0), ("cat", 1)], ["mug"])),
        ("a dog, a cat and a mug", ("dog", "cat", "mug"), ([("dog", 0), ("cat", 1), ("mug", 2)], [])),
        ("a dog with a cat", ("cat",), ([("dog", None), ("cat", 0)], [])),
        ("a dog", ("dog", "cat"), ([("dog", 0), ("cat", 1)], [])),
        # a word that the prompt does not seem to hold: what it names first is meant
        ("a happy doggo", ("poodle",), ([("poodle", 0)], [])),
        ("at the beach", ("dog", "cat"), ([("dog", 0), ("cat", 1)], [])),
    ],
)
def test_own_things_take_the_places_of_their_names(prompt: str, words: tuple[str, ...], expected: object) -> None:
    assert placed(prompt, *words) == expected


def test_colours_go_to_whom_the_prompt_gives_them() -> None:
    found = cast(read("a blue dog and a green cat"), ("dog", "cat"), read)
    assert found.lead == Role(words="dog", colours=("blue",), actor=0)
    assert found.peers == (Role(words="cat", colours=("green",), actor=1),)


def test_a_colour_of_the_kinds_own_name_is_no_wish() -> None:
    assert cast(read("a golden dog"), ("golden dog",), read).lead.colours == ()
    assert cast(read("a black golden dog"), ("golden dog",), read).lead.colours == ("black",)
