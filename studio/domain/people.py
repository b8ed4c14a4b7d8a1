"""Which kinds are people: nothing of a person is given away before they have agreed."""

from __future__ import annotations

import re

_WORDS = (
    "person people human man men woman women boy boys girl girls child children kid kids baby babies toddler "
    "teenager adult face selfie portrait lady gentleman guy dude friend friends neighbour neighbor colleague "
    "father dad daddy mother mum mom mummy mommy parent parents brother sister sibling son daughter husband wife "
    "partner boyfriend girlfriend fiance fiancee uncle aunt cousin nephew niece grandpa grandma grandfather "
    "grandmother grandparent grandson granddaughter bride groom teacher"
)
_PEOPLE = frozenset(_WORDS.split())
# "boy doll": the last word says what it is.
_LETTERS = re.compile(r"[^\W\d_]+")


def is_person(kind: str) -> bool:
    """Say whether things of this kind are people: its last word, or the one before "of", is one for people."""
    words = _LETTERS.findall(kind.casefold().partition(" of ")[0])
    return bool(words) and words[-1] in _PEOPLE
