from __future__ import annotations

import pytest

from pipelines.assistant.claims import claims_of, without_claims


@pytest.mark.parametrize(
    ("description", "things", "plain"),
    [
        ("A white shoe, wearing a graduation cap.", ["a graduation cap"], "A white shoe."),
        ("Bo, a dog, wearing a top hat next to a red heart.", ["a top hat", "a red heart"], "Bo, a dog."),
        ("Bo, a dog, riding a sled on a black background.", ["a sled"], "Bo, a dog on a black background."),
        ("A fox next to an owl in space.", ["an owl"], "A fox in space."),
        ("A yellow duck.", [], "A yellow duck."),
    ],
)
def test_what_a_description_adds_to_its_subject_can_be_left_out(
    description: str, things: list[str], plain: str
) -> None:
    claims = claims_of(description)
    assert [claim.thing for claim in claims] == things
    assert without_claims(description, claims) == plain and without_claims(description, []) == description
    assert [claim.question() for claim in claims] == [f"Is there {thing} in this picture?" for thing in things]
