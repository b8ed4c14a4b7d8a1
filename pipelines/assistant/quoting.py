"""Answers made by rule from what was recognised and what stands on the cards: nothing in them can be invented."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.assistant.briefing import Answer, Briefing, Card, CardFact, Spot
from pipelines.assistant.choices import Choice, chosen
from pipelines.assistant.facts import FactFinder, sharing_words
from pipelines.assistant.questions import Intent, points_at_something, without_names

_ABOUT_MAX = 8  # facts of one card in an answer
_SURENESS = {"sure": "", "likely": "very likely ", "perhaps": "perhaps "}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_GREETING = "Hello! Show me a picture, or ask me about one of your things."
_NO_PICTURE = "There is no picture in this conversation yet. Add one, and I will tell you who is in it."
_NOTHING = "Nothing stands out in this picture that I could name."
_STRANGER = "I don’t know the one in this picture, so I cannot say. Tell me who it is, or name one of your things."
_LOST = "I only talk about your things and your pictures. Name one of them, or add a picture."
_EMPTY = "You have not asked anything. Add a picture, or ask about one of your things."


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    card: Card
    fact: CardFact
    relevance: float


class Quoting:
    """Answers what recognition and the cards can answer.

    Args:
        facts: says which facts answer a question.
    """

    def __init__(self, facts: FactFinder) -> None:
        self._facts = facts
        self._handlers: dict[Intent, Callable[[Briefing], Answer | None]] = {
            Intent.EMPTY: lambda briefing: self._about_picture(briefing) if briefing.picture else Answer(text=_EMPTY),
            Intent.GREETING: lambda _: Answer(text=_GREETING),
            Intent.THANKS: lambda _: Answer(text="You are welcome."),
            Intent.DRAW: _draw,
            Intent.WRITE: lambda _: None,
            Intent.DESCRIBE: lambda _: None,
            Intent.LOOK: lambda briefing: self._fact(briefing, near_ones=False),
            Intent.WHO: self._who,
            Intent.COUNT: lambda briefing: _count(briefing) if briefing.picture else self._fact(briefing),
            Intent.PRESENCE: self._placed(_presence),
            Intent.WHERE: self._placed(_where),
            Intent.ABOUT: lambda briefing: self._about(briefing) if briefing.meant else self._fact(briefing),
            Intent.IS_THIS: self._is_this,
        }

    def answer(self, briefing: Briefing, intent: Intent) -> Answer | None:
        """Return the answer; None where the question needs words of a model: something to be made up, or a scene."""
        return self._handlers.get(intent, self._fact)(briefing)

    def unknown(self, briefing: Briefing) -> Answer:
        """Return what is said where nothing answers the question: that, and what is known instead."""
        if of_a_stranger(briefing):
            return Answer(text=_STRANGER, spots=tuple(range(len(briefing.spots))))
        if not briefing.meant:
            return Answer(text=_LOST)
        names = _joined([card.name for card in briefing.meant])
        there = [(card, fact) for card in briefing.meant for fact in card.facts][:3]
        if not there:
            return Answer(text=f"I don’t know that about {names}: nothing is written on the card yet.")
        known = _joined([f"“{fact.text}”" for _, fact in there])
        return Answer(
            text=f"I don’t know that about {names}. What I was told: {known}.",
            facts=tuple(fact.id for _, fact in there),
        )

    def option(self, choice: Choice, answer: Answer, briefing: Briefing) -> int | None:
        """Return which option of `choice` an answer to its question means; None: none of them."""
        words = {fact.id: fact.text for card in briefing.cards for fact in card.facts}
        quoted = [words[fact] for fact in answer.facts if fact in words]
        sure = quoted if len(quoted) == 1 else []
        return chosen(
            choice.options, answer.text, sure, lambda options: self._facts.relevance(sure[0], options, briefing.names)
        )

    def _who(self, briefing: Briefing) -> Answer | None:
        if briefing.picture is None and briefing.meant:
            return self._about(briefing)
        return self._about_picture(briefing)

    def _placed(self, say: Callable[[Briefing], Answer]) -> Callable[[Briefing], Answer | None]:
        """Return the handler of a question about where named things are in a picture."""
        return lambda briefing: say(briefing) if briefing.picture and briefing.meant else self._fact(briefing)

    def _is_this(self, briefing: Briefing) -> Answer | None:
        found = self._fact(briefing)
        return self._about_picture(briefing) if found is None and briefing.picture else found

    def _about_picture(self, briefing: Briefing) -> Answer:
        return Answer(text=seen(briefing), spots=tuple(range(len(briefing.spots))))

    def _about(self, briefing: Briefing) -> Answer:
        sentences, cited = [], []
        for card in briefing.meant:
            shown = card.facts[:_ABOUT_MAX]
            cited += [fact.id for fact in shown]
            what = f"{card.name} is {_article(card.kind)}." if card.kind else f"I know {card.name}."
            told = f" I was told: {_joined([f'“{fact.text}”' for fact in shown])}." if shown else ""
            sentences.append(what + (told or " Nothing else is written on the card yet."))
        return Answer(text=" ".join(sentences), facts=tuple(cited))

    def _fact(self, briefing: Briefing, *, near_ones: bool = True) -> Answer | None:
        """Quote what answers a question; of what only may, the nearest, where `near_ones` are wanted."""
        if of_a_stranger(briefing):
            return None
        meant = self._compared(briefing, briefing.meant)
        bounds = self._facts.thresholds
        if not briefing.meant:
            meant = self._compared(briefing, briefing.cards)
        if not meant or meant[0].relevance < bounds.near:
            return None
        best = meant[0]
        if best.relevance < bounds.answers:
            # of a thing that the question does not even name, a near miss is no answer at all
            return _nearest(best) if briefing.meant and near_ones else None
        # the best of each thing that is asked about, where it answers as well
        cards: dict[str, _Candidate] = {}
        for one in meant:
            if one.relevance >= bounds.answers and one.card.name not in cards:
                cards[one.card.name] = one
        chosen = list(cards.values()) if briefing.meant else [best]
        text = " ".join(f"{one.card.name}: “{one.fact.text}”." for one in chosen)
        return Answer(text=text, facts=tuple(one.fact.id for one in chosen))

    def _compared(self, briefing: Briefing, cards: Sequence[Card]) -> list[_Candidate]:
        names = briefing.names
        pairs = [(card, fact) for card in cards for fact in card.facts]
        if not briefing.meant:
            pairs = [pairs[i] for i in sharing_words(briefing.question, [fact.text for _, fact in pairs], names)]
        scores = self._facts.relevance(briefing.question, [fact.text for _, fact in pairs], names)
        order = np.argsort(-scores, kind="stable").tolist()
        return [_Candidate(card=pairs[i][0], fact=pairs[i][1], relevance=float(scores[i])) for i in order]


def of_a_stranger(briefing: Briefing) -> bool:
    """Say whether a question points at something in the picture, and nothing in the picture is known.

    “What is it afraid of?” beside an unknown dog must not be answered from the card of another one.
    """
    known = briefing.meant or any(spot.card is not None for spot in briefing.spots)
    return briefing.picture is not None and not known and points_at_something(briefing.question)


def seen(briefing: Briefing) -> str:
    """Return in words what the last picture shows."""
    if briefing.picture is None:
        return _NO_PICTURE
    named = [spot for spot in briefing.spots if spot.card is not None]
    strange = [spot for spot in briefing.spots if spot.card is None]
    if not named and not strange:
        return _NOTHING
    if not named and len(strange) == 1:
        return f"I don’t know this one.{_perhaps(strange)}"
    if not named:
        return f"I see {len(strange)} things and know none of them.{_perhaps(strange)}"
    known = _joined([_named(briefing, spot) for spot in named])
    rest = {0: "", 1: " I don’t know the other thing."}.get(len(strange), f" I don’t know the {len(strange)} others.")
    return f"That’s {known}.{rest}{_perhaps(strange)}"


def _named(briefing: Briefing, spot: Spot) -> str:
    assert spot.card is not None
    return f"{_SURENESS.get(spot.sureness, '')}{briefing.cards[spot.card].name}"


def _perhaps(strange: Sequence[Spot]) -> str:
    kinds = [spot.kind for spot in strange]
    if not any(kinds):
        return ""
    if len(kinds) == 1:
        return f" It might be {_article(kinds[0])}."
    told = [f"the {_ORDINALS[at]} might be {_article(kind)}" for at, kind in enumerate(kinds[:5]) if kind]
    sentence = _joined(told)
    return f" {sentence[0].upper()}{sentence[1:]}."


def _presence(briefing: Briefing) -> Answer:
    def say(card: Card, spot: Spot) -> str:
        yes = "Yes" if spot.sureness == "sure" else "Very likely" if spot.sureness == "likely" else "Perhaps"
        return f"{yes}, that’s {card.name}."

    return _of_each(briefing, say)


def _where(briefing: Briefing) -> Answer:
    return _of_each(briefing, lambda card, spot: f"{card.name} is {_place(spot)}.")


def _of_each(briefing: Briefing, say: Callable[[Card, Spot], str]) -> Answer:
    """Say something of each thing that is meant and in the picture, and of the others that they are not."""
    parts, spots = [], []
    for card in briefing.meant:
        index = next((at for at, spot in enumerate(briefing.spots) if _shows(briefing, spot, card)), None)
        if index is None:
            parts.append(f"I don’t see {card.name} in this picture.")
        else:
            spots.append(index)
            parts.append(say(card, briefing.spots[index]))
    return Answer(text=" ".join(parts), spots=tuple(spots))


def _count(briefing: Briefing) -> Answer:
    known = sum(spot.card is not None for spot in briefing.spots)
    total = len(briefing.spots)
    if not total:
        return Answer(text=_NOTHING)
    things = "1 thing stands" if total == 1 else f"{total} things stand"
    told = {0: "I know none of them.", total: "I know all of them." if total > 1 else "I know it."}.get(
        known, f"I know {known} of them."
    )
    if total == 1 and not known:
        told = "I don’t know it."
    return Answer(text=f"{things} out in this picture. {told}", spots=tuple(range(total)))


def _place(spot: Spot) -> str:
    left, top, right, bottom = spot.box
    if right - left > 0.75 and bottom - top > 0.75:
        return "all over the picture"
    across = ("on the left", "in the middle", "on the right")[min(2, int((left + right) / 2 * 3))]
    down = ("at the top", "", "at the bottom")[min(2, int((top + bottom) / 2 * 3))]
    return f"{across}, {down}" if down else across


def _shows(briefing: Briefing, spot: Spot, card: Card) -> bool:
    return spot.card is not None and briefing.cards[spot.card].name == card.name


def _nearest(best: _Candidate) -> Answer:
    text = f"I am not sure that this answers it. The nearest I was told about {best.card.name}: “{best.fact.text}”."
    return Answer(text=text, facts=(best.fact.id,))


def _draw(briefing: Briefing) -> Answer:
    asked = " ".join(briefing.question.split()).rstrip("?.! ")
    prompt = re.sub(
        r"^(?:please |can you |could you |will you |would you )*(?:draw|paint|sketch|make)\s+(?:me\s+)?"
        r"(?:an?\s+(?:picture|drawing|sticker|poster)\s+(?:of|with)\s+)?",
        "",
        asked,
        flags=re.IGNORECASE,
    )
    for card in briefing.meant:
        handle = re.sub(r"[ _']", "-", card.name.casefold())
        prompt = without_names(prompt, [card.name, *card.also], f"@{handle}")
    return Answer(text="Pictures are drawn on the Create page; I have the prompt ready.", draw=prompt)


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].casefold() in set('aeiou') else 'a'} {noun}"
