"""What was said: conversations, their messages, the pictures in them, and what an answer rests on."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from studio.domain.recognition import Certainty, certainty_of
from studio.domain.text import check_text
from studio.errors import InvalidInput

QUESTION_MAX = 4000
PICTURES_MAX = 4  # in one message
TITLE_MAX = 60


def check_question(question: str, pictures: int) -> str:
    """Return `question` without outer blanks, or raise `InvalidInput` where there is nothing, or too much, to answer.

    Args:
        question: as it was written.
        pictures: how many come with it; with one the question may be empty.
    """
    clean = check_text(question, "question").strip()
    if not clean and not pictures:
        raise InvalidInput("The question is empty. Write one, or add a picture.")
    if len(clean) > QUESTION_MAX:
        raise InvalidInput(f"The question has {len(clean)} characters; at most {QUESTION_MAX} are possible.")
    if pictures > PICTURES_MAX:
        raise InvalidInput(f"{pictures} pictures are too many; a message takes at most {PICTURES_MAX}.")
    return clean


class Role(enum.StrEnum):
    """Who says a message."""

    USER = "user"
    ASSISTANT = "assistant"


class Ending(enum.StrEnum):
    """How an answer ended."""

    WHOLE = "whole"
    STOPPED = "stopped"
    FAILED = "failed"


class Standing(enum.StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    KEPT = "kept"
    DECLINED = "declined"


@dataclass(frozen=True, kw_only=True)
class ShownPlace:
    """A place of a picture that an answer rests on: which crop, which card, how sure."""

    picture_id: str
    region: int
    concept_id: str | None
    concept: str | None
    score: float

    @property
    def certainty(self) -> Certainty:
        """The score in words."""
        return certainty_of(self.concept, self.score)


@dataclass(frozen=True, kw_only=True)
class QuotedFact:
    """A fact that an answer rests on; `concept_id` is None for a note about the person. `since` is an ISO moment."""

    concept_id: str | None
    concept: str
    text: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something said that may be remembered; `concept_id` is None where it is about the person."""

    concept_id: str | None
    concept: str
    text: str
    standing: Standing = Standing.OPEN


@dataclass(frozen=True, kw_only=True)
class ChatPicture:
    """A picture of a message: its content key, and its size in pixels."""

    id: str
    message_id: str
    file: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something that was said.

    Attributes:
        id: sorts by time.
        conversation_id: where it was said.
        role: who said it.
        text: the words.
        created_at: when.
        ending: how an answer ended.
        origin: of an answer's words: ``quoted`` from cards and recognition, ``worded`` or ``invented`` by a model.
        pictures: that came with it.
        places: that an answer rests on.
        facts: that an answer rests on.
        proposals: what may be remembered of the question.
        draw: a prompt, where a picture was asked for.
    """

    id: str
    conversation_id: str
    role: Role
    text: str
    created_at: datetime
    ending: Ending = Ending.WHOLE
    origin: str = ""
    pictures: tuple[ChatPicture, ...] = ()
    places: tuple[ShownPlace, ...] = ()
    facts: tuple[QuotedFact, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    draw: str = ""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation; `summary` is one line about what was talked of."""

    id: str
    title: str
    summary: str
    created_at: datetime
    changed_at: datetime
    owner: str = "local"


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something about the person that they agreed to have remembered; `said_in` is the conversation's title."""

    id: str
    text: str
    said_in: str
    added_at: datetime


def title_of(question: str) -> str:
    """Return the title of a conversation that begins with `question`."""
    line = " ".join(question.split())
    if not line:
        return "A picture"
    return line if len(line) <= TITLE_MAX else f"{line[: TITLE_MAX - 1].rstrip()}…"


def summary_of(messages: list[Message]) -> str:
    """Return in one line what was talked of: which things, how many pictures, what was remembered."""
    names = dict.fromkeys(
        name
        for message in messages
        for name in (
            *(place.concept for place in message.places if place.concept),
            *(fact.concept for fact in message.facts),
            *(proposal.concept for proposal in message.proposals),
        )
        if name
    )
    pictures = sum(len(message.pictures) for message in messages)
    kept = [one.text for message in messages for one in message.proposals if one.standing is Standing.KEPT]
    parts = [", ".join(list(names)[:4])] if names else []
    parts += [f"{pictures} picture{'' if pictures == 1 else 's'}"] if pictures else []
    parts += [f"remembered: {', '.join(kept[:2])}"] if kept else []
    return " · ".join(parts)
