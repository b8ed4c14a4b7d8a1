"""What was found in a photo: places with the name of a concept, or with none."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from studio.errors import InvalidInput

PHOTOS_MAX = 40  # in one go: they are held in memory until all have been looked at


def check_photo_count(count: int) -> None:
    """Raise `InvalidInput` unless `count` photos can be looked at in one go."""
    if not count:
        raise InvalidInput("There is no photo. Choose at least one to look at.")
    if count > PHOTOS_MAX:
        raise InvalidInput(f"{count} photos are too many at once; at most {PHOTOS_MAX} can be looked at.")


class Certainty(enum.StrEnum):
    """How sure a finding is, in a word or two."""

    SURE = "sure"
    LIKELY = "likely"
    PERHAPS = "perhaps"
    UNKNOWN = "not known"


def certainty_of(concept: str | None, score: float) -> Certainty:
    """Return the words for a finding of `concept` with `score`."""
    if concept is None:
        return Certainty.UNKNOWN
    return Certainty.SURE if score >= 0.9 else Certainty.LIKELY if score >= 0.7 else Certainty.PERHAPS


@dataclass(frozen=True, kw_only=True)
class Found:
    """A place in a photo.

    Attributes:
        region: which of the photo's places it is, for a correction.
        box: left, top, right, bottom in pixels of the upright photo.
        concept_id: of the concept it shows; None: none that is known.
        concept: its name.
        score: how likely it is that concept, or, where there is none, the likeliest one; 0–1.
    """

    region: int
    box: tuple[int, int, int, int]
    concept_id: str | None
    concept: str | None
    score: float

    @property
    def certainty(self) -> Certainty:
        """The score in words."""
        return certainty_of(self.concept, self.score)


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """What was found in one photo.

    Attributes:
        width: of the upright photo in pixels.
        height: of the upright photo in pixels.
        found: named places first, the surest first; then the unknown ones, the largest first.
    """

    width: int
    height: int
    found: tuple[Found, ...]

    @property
    def concepts(self) -> tuple[str, ...]:
        """Names of the concepts found, the surest first."""
        return tuple(one.concept for one in self.found if one.concept is not None)

    @property
    def unknown(self) -> int:
        """How many places show something that is not known."""
        return sum(one.concept is None for one in self.found)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A place that somebody said shows a concept, or does not; `file` is its crop, a content key in the store."""

    id: str
    concept_id: str
    file: str
    shows_it: bool
    owner: str = "local"
