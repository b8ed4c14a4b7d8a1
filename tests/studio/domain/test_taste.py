from __future__ import annotations

import pytest

from studio.domain.taste import Reaction, TasteAttribute, TasteVerdict, check_leanings
from studio.errors import InvalidInput

ATTRIBUTES = (TasteAttribute(name="warmth", low="cool colours", high="warm colours", measured="…"),)


def test_what_speaks_for_a_picture() -> None:
    assert [one for one in Reaction if not one.favours] == [Reaction.SKIP, Reaction.HIDE, Reaction.PASSED]
    assert all(one.spoken for one in Reaction)


def test_leanings_are_checked() -> None:
    assert check_leanings({"warmth": 1}, ATTRIBUTES) == {"warmth": 1.0}
    with pytest.raises(InvalidInput, match="no attribute 'fluff'"):
        check_leanings({"fluff": 0}, ATTRIBUTES)
    for value in (1.1, -2, float("nan")):
        with pytest.raises(InvalidInput, match="between −1 and 1"):
            check_leanings({"warmth": value}, ATTRIBUTES)


@pytest.mark.parametrize(
    ("chance", "words"), [(0.9, "love"), (0.6, "would like"), (0.5, "either way"), (0.1, "not quite")]
)
def test_likelihoods_in_words(chance: float, words: str) -> None:
    assert words in TasteVerdict(probability=chance, preference=0, reasons=()).words
