from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.domain.concepts import Concept
from studio.domain.naming import named_in
from studio.domain.said import facts_said, is_wish


def concept(name: str) -> Concept:
    return Concept(id=name, name=name, kind="", photos=(), facts=(), created_at=datetime.now(UTC))


BO, MUG = concept("Bo"), concept("Ana's mug")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Remember that Bo is afraid of balloons.", [("Bo", "afraid of balloons")]),
        ("please remember: @ana-s-mug must not get wet", [("Ana's mug", "must not get wet")]),
        ("Bo likes carrots. Is that good?", [("Bo", "likes carrots")]),
        ("@bo's birthday is 3 May", [("Bo", "birthday is 3 May")]),
        ("She belongs to Ana", [("Bo", "belongs to Ana")]),
        ("My favourite colour is green", [(None, "My favourite colour is green")]),
        ("I love long walks!", [(None, "I love long walks")]),
        ("Bo sleeps here.\nAna's mug is blue.", [("Bo", "sleeps here"), ("Ana's mug", "blue")]),
        ("Who is Bo?", []),
        ("Is Bo afraid", []),
        ("Bo!", []),
        ("Bo and Ana", []),
        ("Bonfire is hot", []),
        ("draw Bo", []),
        ("Bo is " + "x" * 600, []),
    ],
)
def test_what_is_told(text: str, told: list[tuple[str | None, str]]) -> None:
    found = facts_said(text, [BO, MUG], [BO])
    assert [(one.concept and one.concept.name, one.text) for one in found] == told


def test_a_pronoun_without_one_thing_to_mean_tells_nothing() -> None:
    assert facts_said("She belongs to Ana", [BO, MUG], [BO, MUG]) == ()
    assert facts_said("She belongs to Ana", [BO, MUG]) == ()


def test_wishes() -> None:
    assert is_wish("Please remember that Bo is small") and not is_wish("Do you remember Bo?")


def test_names_in_a_text() -> None:
    assert named_in("ANA'S MUG, then @bo; not Bob or bo@x.org", [BO, MUG]) == (MUG, BO)
    assert named_in("Anything", []) == ()
