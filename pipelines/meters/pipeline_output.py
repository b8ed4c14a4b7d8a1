"""What the meters return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Scores of one picture, 0–1; below a third is low, from two thirds on good.

    Attributes:
        likeness: to its subject, of several to the one it looks least like; None: it has none.
        prompt: how well it shows the prompt; None: the meter is not calibrated for the text-image model in use.
    """

    likeness: float | None
    prompt: float | None
