"""What an answer is made from: retrieved cards, the places of pictures, the question and the talk so far."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from PIL import Image

from pipelines.recognition.regions import Box


@dataclass(frozen=True, kw_only=True)
class CardFact:
    """A fact of a card: an id that the answer cites it by, and its words as the person wrote them."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """A thing that may be talked about.

    Attributes:
        name: what it is called.
        also: what else it is called by in a question, its handle for one.
        kind: class word; empty where it is not known.
        facts: all that is known of it.
        meant: whether the question is about it: it is named, or, where none is, shown or talked about last.
    """

    name: str
    also: tuple[str, ...] = ()
    kind: str = ""
    facts: tuple[CardFact, ...] = ()
    meant: bool = False


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place in the picture that is talked about.

    Attributes:
        box: left, top, right, bottom as shares of the picture, 0–1.
        card: index of the card it shows; None: none that is known.
        sureness: the score in words: sure, likely, perhaps.
        kind: what it seems to be, where no card fits; empty where that is not known either.
    """

    box: Box
    card: int | None = None
    sureness: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Something that was said before, by ``user`` or ``assistant``."""

    role: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """Everything an answer may use.

    Attributes:
        question: as it was asked.
        cards: all of the person's cards; those that are meant go into a prompt.
        spots: of the last picture, named ones first.
        picture: the last picture of the conversation; None where there is none.
        turns: the talk so far, the oldest first, without the question.
    """

    question: str
    cards: tuple[Card, ...] = ()
    spots: tuple[Spot, ...] = ()
    picture: Image.Image | None = None
    turns: tuple[Turn, ...] = ()

    @property
    def meant(self) -> tuple[Card, ...]:
        """The cards that the question is about."""
        return tuple(card for card in self.cards if card.meant)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that cards may be called by."""
        return tuple(name for card in self.cards for name in (card.name, *card.also))


class Origin(enum.StrEnum):
    """Where the words of an answer are from."""

    QUOTED = "quoted"  # from recognition and the cards alone
    WORDED = "worded"  # by a model that was shown the cards and, where it sees, the picture
    INVENTED = "invented"  # by a model that was asked to make something up


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered.

    Attributes:
        text: the answer; facts stand in it in “quotation marks”, word for word.
        origin: where its words are from.
        facts: ids of the facts it quotes.
        spots: indices of the places that it tells of.
        draw: a prompt, where a picture was asked for.
    """

    text: str
    origin: Origin = Origin.QUOTED
    facts: tuple[str, ...] = ()
    spots: tuple[int, ...] = ()
    draw: str = ""
