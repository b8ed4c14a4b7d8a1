"""Titles of posters that a language model suggests: what is asked for, and how it is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.domain.taste import TasteAttribute
from studio.domain.taste_words import describe
from studio.errors import InvalidInput

SUGGESTED = "Suggested, made up by the language model; edit freely."
COUNT_MAX = 5
_TONES = ("mood", "warmth", "brightness", "busyness")  # what words can sound like, too
_TONES_MAX = 2
_LEAST = 0.15


@dataclass(frozen=True, kw_only=True)
class TitleRequest:
    """What titles are wanted for: a picture, or a thing that is not drawn yet.

    Attributes:
        template: of the poster.
        picture: id of a picture in the gallery.
        concept: name of a thing, instead.
        taste: name of a profile whose tones the titles should have; None: the one that collects, if any; "": none.
        count: titles wanted, 1–5.
        seed: the same seed asks the same; None: any.
    """

    template: str
    picture: str = ""
    concept: str = ""
    taste: str | None = None
    count: int = 4
    seed: int | None = None

    def __post_init__(self) -> None:
        if bool(self.picture) == bool(self.concept):
            raise InvalidInput("Say either which picture the titles are for, or which thing.")
        if not 1 <= self.count <= COUNT_MAX:
            raise InvalidInput(f"count is {self.count}; it must lie between 1 and {COUNT_MAX}.")


def tones_of(leanings: Mapping[str, float], attributes: Sequence[TasteAttribute]) -> tuple[str, ...]:
    """Return how titles should sound by a taste, in at most two words: ``calm``, ``warm``."""
    heard = {name: value for name, value in leanings.items() if name in _TONES}
    words = describe(heard, attributes, least=_LEAST, most=_TONES_MAX)
    return tuple(word.removesuffix(" colours") for word in words)
