"""Titles of posters that a language model suggests: what is asked for, and how it is marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.errors import InvalidInput

SUGGESTED = "Suggested, made up by the language model; edit freely."
COUNT_MAX = 5
# what titles are about for somebody who likes the low or the high end of an attribute
_TONES = {
    "mood": ("peace and quiet", "fun"),
    "warmth": ("fresh air", "warmth"),
    "brightness": ("the night", "bright days"),
    "busyness": ("simple things", "busy days"),
}
_TONES_MAX = 2
_LEAST = 0.15  # of a leaning; a weaker one is not heard


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


def tones_of(leanings: Mapping[str, float]) -> tuple[str, ...]:
    """Return what titles should be about to sound as a taste does, at most two things, the strongest leaning first."""
    strong = [name for name in _TONES if abs(leanings.get(name, 0.0)) >= _LEAST]
    strong.sort(key=lambda name: -abs(leanings[name]))
    return tuple(_TONES[name][leanings[name] > 0] for name in strong[:_TONES_MAX])
