"""What the small VLM learns from: prompts of the studio about drawings, with retrieved cards, and right answers.

RAP (arXiv 2410.13360, §3.4) adds unrelated cards, its noise concepts, to a prompt whose answer stays the same; without
them its precision falls from 96 to 58. Here as well: cards of other things stand in every prompt that has room, and in
a share of the samples the picture shows none of the cards.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, CardFact, Spot
from pipelines.recognition.regions import WHOLE

FACTS = (
    ("afraid of", "What is {} afraid of?", ("balloons", "thunder", "mice", "the dark", "bees")),
    ("bought in", "Where was {} bought?", ("Lisbon", "Oslo", "Naples", "a flea market", "York")),
    ("likes", "What does {} like?", ("carrots", "rain", "long walks", "music", "warm milk")),
    ("a present from", "Who gave me {}?", ("Ilse", "my brother", "a neighbour", "Grandma", "Tomas")),
    ("kept in", "Where is {} kept?", ("the attic", "a tin box", "the garden", "the hall", "a drawer")),
)
_SYLLABLES = ("ba", "bo", "da", "fi", "ko", "la", "li", "mo", "na", "ni", "pi", "ra", "ro", "su", "ta", "vi", "zo")
_EMPTY = Image.new("RGB", (1, 1))


@dataclass(frozen=True, kw_only=True)
class Depicted:
    """A drawing: the row of its image tokens, its class word, and what it shows in words."""

    row: int
    kind: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A briefing about the picture in a row, and the answer to learn."""

    row: int
    briefing: Briefing
    answer: str


def sample(pictures: Sequence[Depicted], rng: random.Random, *, concepts: int, noise: float) -> Sample:
    """Draw a sample.

    Args:
        pictures: all drawings.
        rng: seeded.
        concepts: most cards in the prompt.
        noise: share of samples whose picture shows none of the cards.
    """
    shown = rng.choice(pictures)
    others = [one for one in rng.sample(pictures, min(len(pictures), 2 * concepts)) if one.row != shown.row]
    kinds = [one.kind for one in others][: rng.randrange(concepts)]
    known = rng.random() >= noise
    cards = [_card(kind, rng) for kind in kinds]
    at = rng.randrange(len(cards) + 1) if known else None
    if at is not None:
        cards.insert(at, _card(shown.kind, rng))
    spot = Spot(box=WHOLE, card=at, sureness="sure" if at is not None else "")
    question, answer = _asked(shown, cards, at, rng)
    return Sample(
        row=shown.row,
        briefing=Briefing(question=question, cards=tuple(cards), spots=(spot,), picture=_EMPTY),
        answer=answer,
    )


def _asked(shown: Depicted, cards: Sequence[Card], at: int | None, rng: random.Random) -> tuple[str, str]:
    """Return a question and its answer; facts are cited by their numbers, as the prompt asks."""
    sort = rng.choice(("describe", "describe", "who", "there", "fact"))
    if sort == "who":
        return "Who is this?", f"That is {cards[at].name}." if at is not None else "I do not know this one."
    if sort == "there" and cards:
        asked = rng.randrange(len(cards))
        return f"Is {cards[asked].name} in this picture?", "Yes." if asked == at else "No."
    if sort == "fact" and at is not None:
        return _fact(cards, at, rng)
    caption = named_caption(shown, cards[at].name) if at is not None else shown.caption
    return "Describe this picture.", f"{caption[0].upper()}{caption[1:]}."


def _fact(cards: Sequence[Card], at: int, rng: random.Random) -> tuple[str, str]:
    told = [(card, fact) for card in cards for fact in card.facts]
    words, question, _ = rng.choice(FACTS)
    number = next((n for n, (card, fact) in enumerate(told, 1) if card is cards[at] and fact.text.startswith(words)), 0)
    return question.format(cards[at].name), f"[F{number}]" if number else "I do not know that."


def named_caption(shown: Depicted, name: str) -> str:
    """Return a caption with the name in the place of the class word: “Bo with a cat, soft style”."""
    named, count = re.subn(rf"\b(?:an?|the) {re.escape(shown.kind)}\b", name, shown.caption, count=1)
    return named if count else f"{name}, {shown.caption}"


def _card(kind: str, rng: random.Random) -> Card:
    chosen = rng.sample(FACTS, rng.randrange(3))
    facts = tuple(CardFact(id=words, text=f"{words} {rng.choice(values)}") for words, _, values in chosen)
    return Card(name=_name(rng), kind=kind, facts=facts, meant=True)


def _name(rng: random.Random) -> str:
    """Return a name that no language model knows, so that it has to be read from the card."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()
