"""From a briefing to the messages of a chat model, in RAP's form: the retrieved cards stand before the question.

RAP (arXiv 2410.13360, §3.3) writes ``{i}.<image> Name: <{name}>, Info: {info}`` for each retrieved card. Here a card
carries its recognised place instead of an avatar, and every fact has a number to be cited by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, CardFact

TURNS_MAX = 12
_WORDS_MAX = 2000  # characters of one turn; what a person pastes must not push the cards out of the context
_RULES = (
    "You are the assistant of a personal photo studio. Below stand the person's own things that were found in the "
    "picture or named, with numbered facts. When you state a fact about one of them, write only its number in square "
    "brackets, for example [F2]; its words are put there. Never state a fact about them that has no number: say that "
    "you do not know it. Never give a name to a thing that is marked as not known. Answer in one to three sentences."
)


_INVENTING = "You write short, friendly texts of two or three sentences about somebody's things."


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Messages for a chat model.

    Attributes:
        messages: in the form of transformers' chat templates; the contents are lists of parts, and the place of the
            picture is a part ``{"type": "image"}``.
        pictures: the pictures, in the order of their places.
        facts: from the number of a fact (``F1``) to its id and its words.
        kinds: class words of the known things in the last picture, by their cards.
    """

    messages: tuple[dict[str, Any], ...]
    pictures: tuple[Image.Image, ...]
    facts: dict[str, tuple[str, str]]
    kinds: tuple[str, ...] = ()


def build_prompt(briefing: Briefing, *, sees: bool) -> Prompt:
    """Return the prompt for a briefing.

    Args:
        briefing: what is known.
        sees: whether the model takes pictures; otherwise what was recognised is told in words.
    """
    numbered: dict[str, tuple[str, str]] = {}
    cards = [card for at, card in enumerate(briefing.cards) if card.meant or _shown(briefing, at)]
    lines = [f"{at}. {_card(card, numbered)}" for at, card in enumerate(cards, 1)] or ["(none)"]
    strange = sum(spot.card is None for spot in briefing.spots)
    found = f"\nIn the picture: {_found(briefing)}" if briefing.picture is not None else ""
    more = f" {strange} more, not known." if strange else ""
    system = f"{_RULES}\n\nThe person's things:\n" + "\n".join(lines) + found + more
    picture = (briefing.picture,) if sees and briefing.picture is not None else ()
    question = [*({"type": "image"} for _ in picture), _text(briefing.question)]
    turns = tuple({"role": turn.role, "content": [_text(turn.text)]} for turn in briefing.turns[-TURNS_MAX:])
    messages = (
        {"role": "system", "content": [_text(system, limit=None)]},
        *turns,
        {"role": "user", "content": question},
    )
    return Prompt(messages=messages, pictures=picture, facts=numbered, kinds=_kinds(briefing))


def build_invention(briefing: Briefing) -> Prompt:
    """Return the prompt by which a small text model makes something up about the things that are meant."""
    told = {f"F{at}": (fact.id, fact.text) for at, (_, fact) in enumerate(_facts(briefing), 1)}
    lines = [
        f"{card.name} is a {card.kind or 'thing'}. " + " ".join(f"{card.name}: {fact.text}." for fact in card.facts)
        for card in briefing.meant
    ]
    asked = "\n".join([*lines, briefing.question])
    messages = ({"role": "system", "content": [_text(_INVENTING)]}, {"role": "user", "content": [_text(asked)]})
    return Prompt(messages=messages, pictures=(), facts=told)


def _facts(briefing: Briefing) -> list[tuple[Card, CardFact]]:
    return [(card, fact) for card in briefing.meant for fact in card.facts]


def _card(card: Card, numbered: dict[str, tuple[str, str]]) -> str:
    told = []
    for fact in card.facts:
        number = f"F{len(numbered) + 1}"
        numbered[number] = (fact.id, fact.text)
        told.append(f"[{number}] {fact.text}")
    return f"Name: {card.name}. Kind: {card.kind or 'not known'}. Facts: {'; '.join(told) or 'none'}."


def _found(briefing: Briefing) -> str:
    named = [
        f"{briefing.cards[spot.card].name} ({spot.sureness}, box {_box(spot.box)})"
        for spot in briefing.spots
        if spot.card is not None
    ]
    return (", ".join(named) or "none of these things") + "."


def _kinds(briefing: Briefing) -> tuple[str, ...]:
    known = (briefing.cards[spot.card].kind for spot in briefing.spots if spot.card is not None)
    return tuple(dict.fromkeys(kind for kind in known if kind))


def _box(box: tuple[float, float, float, float]) -> str:
    return "[" + ", ".join(f"{edge:.2f}" for edge in box) + "]"


def _shown(briefing: Briefing, card: int) -> bool:
    return any(spot.card == card for spot in briefing.spots)


def _text(text: str, limit: int | None = _WORDS_MAX) -> dict[str, str]:
    cut = text if limit is None or len(text) <= limit else f"{text[:limit]} …"
    return {"type": "text", "text": cut}
