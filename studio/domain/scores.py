"""How good a picture is: how much it looks like its subject, and how well it shows what its prompt says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """A score in a word: what was calibrated, and all that a person should read from it."""

    LOW = "low"
    FAIR = "fair"
    GOOD = "good"

    @classmethod
    def of(cls, score: float) -> Word:
        """Return the word of a score in 0–1: below a third, between, or from two thirds on."""
        return cls.LOW if score < 1 / 3 else cls.FAIR if score < 2 / 3 else cls.GOOD


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What was measured of a picture, 0–1 each, so calibrated that thirds are the words of `Word`.

    Attributes:
        likeness: how much it looks like its subject, of several the one it looks least like; None: it has none, or it
            was not measured.
        prompt: how well it shows what its prompt says; None: it was not measured.
    """

    likeness: float | None = None
    prompt: float | None = None

    def together(self, fidelity: float) -> float:
        """Return both as one number in 0–1, to tell which of several pictures is the best.

        It is the weighted geometric mean likeness^w · prompt^(1 − w): one that fails in either is not saved by the
        other. The weight w goes with the fidelity that was asked for, between a quarter and three quarters, so that
        both always count. Where one was not measured the other counts alone; 0 where neither was.

        Args:
            fidelity: 0 (exactly the prompt) to 1 (exactly the subject).
        """
        if self.likeness is None or self.prompt is None:
            return next((score for score in (self.likeness, self.prompt) if score is not None), 0.0)
        weight = 0.25 + 0.5 * fidelity
        together: float = self.likeness**weight * self.prompt ** (1 - weight)
        return together
