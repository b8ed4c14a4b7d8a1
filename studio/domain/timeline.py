"""What happened to a thing, and when: the studio's long memory in order of time."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime


class Happening(enum.StrEnum):
    """What kind of thing happened."""

    ADDED = "added"  # the concept
    PHOTOS = "photos"  # were added later
    FACT = "fact"  # was told
    CONSENT = "consent"  # was given
    CONFIRMED = "confirmed"  # "this is …" about a place of a photo
    REFUSED = "refused"  # "not this one"
    TALKED = "talked"  # about it, in a conversation
    DRAWN = "drawn"  # a picture of it
    NOTED = "noted"  # something about the person, agreed to


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: when; of several of one day that are told together, the last.
        happening: what kind of thing.
        text: in the person's own words where there are some: the fact, the conversation's title, the prompt.
        count: of how many such things of that day it tells.
        concept: name of the concept it is about; "" where it is about the person.
        opens: id of the conversation or the picture where more is to be seen; "" where there is none.
    """

    at: datetime
    happening: Happening
    text: str = ""
    count: int = 1
    concept: str = ""
    opens: str = ""


def by_day(moments: Iterable[Moment]) -> list[Moment]:
    """Return the moments, the latest first; those of one day, concept and kind without words of their own are one."""
    told: list[Moment] = []
    together: dict[tuple[date, Happening, str], int] = {}
    for moment in sorted(moments, key=lambda one: one.at, reverse=True):
        key = (moment.at.date(), moment.happening, moment.concept)
        if moment.text or key not in together:
            if not moment.text:
                together[key] = len(told)
            told.append(moment)
            continue
        first = told[together[key]]
        told[together[key]] = replace(first, count=first.count + moment.count)
    return told


def sentence(moment: Moment) -> str:
    """Return in words what happened, without its day: ``2 photos of Bo were added``."""
    counted = "once" if moment.count == 1 else "twice" if moment.count == 2 else f"{moment.count} times"
    name = moment.concept
    return {
        Happening.ADDED: f"{name} was added",
        Happening.PHOTOS: f"{_counted(moment.count, 'photo')} of {name} added",
        Happening.FACT: f"{name}: {moment.text}",
        Happening.CONSENT: f"{name} agreed to be shared",
        Happening.CONFIRMED: f"You said {counted}: this is {name}",
        Happening.REFUSED: f"You said {counted}: this is not {name}",
        Happening.TALKED: f"Talked about {name}: “{moment.text}”",
        Happening.DRAWN: f"{_counted(moment.count, 'picture')} of {name} drawn",
        Happening.NOTED: f"About you: {moment.text}",
    }[moment.happening]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
