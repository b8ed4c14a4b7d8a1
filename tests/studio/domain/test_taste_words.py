from __future__ import annotations

import pytest

from studio.domain.taste import Amount, TasteAttribute, TasteHelp, TasteVariant
from studio.domain.taste_words import describe, describe_help, in_palette, in_taste, read_words
from studio.errors import InvalidInput


def attribute(name: str, low: str, high: str) -> TasteAttribute:
    return TasteAttribute(name=name, low=low, high=high, measured="…")


ATTRIBUTES = (
    attribute("warmth", "cool colours", "warm colours"), attribute("busyness", "simple", "busy"),
    attribute("outline", "no outlines", "dark outlines"), attribute("red", "no red", "red"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("warmer", {"warmth": 0.7}),
        ("Warmer, less busy and no outlines!", {"warmth": 0.7, "busyness": -0.5, "outline": -1.0}),
        ("cool colours", {"warmth": -0.3}),
        ("much more red; a little less detail", {"red": 1.0, "busyness": -0.25}),
        ("without lines", {"outline": -1.0}),
        ("simpler", {"busyness": -0.5}),
    ],
)
def test_plain_words(words: str, changed: dict[str, float]) -> None:
    assert read_words(words, ATTRIBUTES, {"warmth": 0.2}) == pytest.approx(changed)


def test_words_that_are_not_understood_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"'fluffier' is nothing I can change. .*warmer"):
        read_words("warmer, fluffier", ATTRIBUTES, {})
    for words in ("", "  ", "x" * 400):
        with pytest.raises(InvalidInput, match="what to change"):
            read_words(words, ATTRIBUTES, {})


def test_leanings_never_leave_their_bounds() -> None:
    assert read_words("warmer, warmer, warmer", ATTRIBUTES, {"warmth": 0.5}) == {"warmth": 1.0}


def test_described_by_the_strongest() -> None:
    values = {"warmth": 0.9, "busyness": -0.5, "red": 0.1, "unheard": 1.0}
    assert describe(values, ATTRIBUTES, least=0.2, most=5) == ["warm colours", "simple"]
    assert describe(values, ATTRIBUTES, least=0.2, most=1) == ["warm colours"]


VARIANT = TasteVariant(style="glossy style", colour="orange")


@pytest.mark.parametrize(
    ("prompt", "amount", "mentions", "told"),
    [
        ("a cat", Amount.TOUCH, False, "a cat, glossy style"),
        ("a cat", Amount.CLEAR, False, "an orange cat, glossy style"),
        ("a cat", Amount.FULL, False, "an orange cat on an orange background, glossy style"),
        ("an owl wearing a hat", Amount.CLEAR, False, "an orange owl wearing a hat, glossy style"),
        ("two cats", Amount.CLEAR, False, "two orange cats, glossy style"),
        ("a blue cat", Amount.CLEAR, False, "a blue cat, glossy style"),
        ("a cat, flat style", Amount.CLEAR, False, "an orange cat, flat style"),
        ("a cat at the beach", Amount.FULL, False, "an orange cat at the beach, glossy style"),
        ("a happy @bo", Amount.CLEAR, True, "a happy @bo, glossy style"),
        ("@bo", Amount.FULL, True, "@bo on an orange background, glossy style"),
    ],
)
def test_a_taste_never_overrules_the_prompt(prompt: str, amount: Amount, mentions: bool, told: str) -> None:
    assert in_taste(prompt, VARIANT, amount, mentions=mentions) == told


def test_nothing_to_say() -> None:
    assert in_taste("a cat", TasteVariant(style="", colour=""), Amount.FULL, mentions=False) == "a cat"


@pytest.mark.parametrize(
    ("help", "said"),
    [
        (TasteHelp(), "Nobody else shares yet."),
        (
            TasteHelp(sharing=1),
            "1 other person shares, and nothing that you chose says yet who is like-minded: "
            "this taste stands on its own.",
        ),
        (
            TasteHelp(sharing=5, leanings={"red": 0.1}),
            "5 other people share, nobody clearly like-minded yet. They move it towards red.",
        ),
        (
            TasteHelp(people=2, sharing=5, leanings={"warmth": -0.3, "red": 0.1, "busyness": 0.001}),
            "Helped by 2 like-minded people of 5 who share. They move it towards cool colours and red.",
        ),
        (
            TasteHelp(people=1, sharing=1, leanings={"red": 0.001}),
            "Helped by 1 like-minded person of 1 who share. They change next to nothing so far.",
        ),
    ],
)
def test_help_is_said(help: TasteHelp, said: str) -> None:
    assert describe_help(help, ATTRIBUTES) == said


WAY = TasteVariant(style="flat style", colour="red", palette=("#cc2211", "#ffffff"))


@pytest.mark.parametrize(
    ("prompt", "amount", "mentions", "told", "palette"),
    [
        ("a cat", Amount.CLEAR, False, "a cat, flat style", WAY.palette),
        ("a cat", Amount.TOUCH, False, "a cat, flat style", ()),
        ("a blue cat", Amount.CLEAR, False, "a blue cat, flat style", ()),
        ("a happy @bo", Amount.CLEAR, True, "a happy @bo, flat style", ()),
        ("a cat", Amount.FULL, False, "a cat on a red background, flat style", WAY.palette),
    ],
)
def test_a_palette_takes_the_place_of_the_colours_name(
    prompt: str, amount: Amount, mentions: bool, told: str, palette: tuple[str, ...]
) -> None:
    assert in_taste(prompt, WAY, amount, mentions=mentions, palettes=True) == told
    assert in_palette(prompt, WAY, amount, mentions=mentions) == palette


def test_without_palettes_the_name_tells() -> None:
    assert in_taste("a cat", WAY, Amount.CLEAR, mentions=False) == "a red cat, flat style"
