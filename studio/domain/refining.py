"""A refinement: the personal LoRA of a concept after a few steps of training on its own photos, not yet kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Keep(StrEnum):
    """What becomes of a refinement."""

    AUTO = "auto"  # kept if it was measured to help
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """A refined LoRA that its owner has not decided about.

    Attributes:
        concept_id: whose.
        name: of the concept.
        replaces: content key of the adapter that was refined.
        adapter: the refined one, safetensors bytes.
        before: pictures that the LoRA of before draws, side by side, WebP.
        after: the same seeds with the refined one.
        likeness_before: mean cosine of features of such pictures and of the photos, −1…1; the features are not trained
            on.
        likeness_after: the same, refined.
        error: standard error of their difference.
        colours_before: mean distance of colours in CIELAB; 0 is equal, 100 black to white.
        colours_after: the same, refined.
        helps: whether it was measured to help.
        seconds: that it took.
    """

    concept_id: str
    name: str
    replaces: str
    adapter: bytes
    before: bytes
    after: bytes
    likeness_before: float
    likeness_after: float
    error: float
    colours_before: float
    colours_after: float
    helps: bool
    seconds: float

    @property
    def gain(self) -> float:
        """How much the likeness has grown."""
        return self.likeness_after - self.likeness_before

    def is_kept(self, keep: Keep) -> bool:
        """Say what a rule means for this one."""
        return self.helps if keep is Keep.AUTO else keep is Keep.ALWAYS
