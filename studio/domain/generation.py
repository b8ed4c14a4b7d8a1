"""Requests for pictures, the pictures, and the recipe that makes one again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from studio.domain.scores import Scores
from studio.domain.style_loras import STRENGTH_MAX
from studio.domain.text import check_text
from studio.errors import InvalidInput

PROMPT_MAX = 1000
COUNT_MAX = 16
PALETTE_MAX = 4
STEPS_MAX = 100
SEED_MAX = 2**32 - 1
GUIDANCE_MAX = 30.0
TOGETHER_MAX = 3  # things of a person in one picture; of more, each would be too small to be told


class Pose(StrEnum):
    """How a concept stands in a picture."""

    PHOTO = "photo"  # as it stands in one of its photos
    DRAWN = "drawn"  # anew, as things of its kind are drawn
    BOTH = "both"  # the one or the other, by the picture's seed

    def of(self, seed: int) -> Pose:
        """Return how the picture of a seed is drawn: with `BOTH`, even seeds follow a photo."""
        if self is not Pose.BOTH:
            return self
        return Pose.DRAWN if seed % 2 else Pose.PHOTO


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """What to draw. ``@name`` mentions in `prompt` refer to concepts of `owner`.

    Attributes:
        prompt: 1–1000 characters.
        concept: a concept's name or handle for callers that do not write a mention; None otherwise.
        count: pictures, 1–16.
        best_of: candidates for each of the pictures, of which the best is kept, see `Scores.together`; together, count
            times best_of, 1–16.
        seed: of the first candidate, 0–2³²−1; candidate i uses seed + i (modulo 2³²). None: chosen at random.
        steps: denoising steps, 1–100; None takes the engine's default.
        guidance: classifier-free guidance scale, 1–30; None takes the engine's default.
        fidelity: 0 (exactly the prompt) to 1 (exactly the subject).
        pose: how concepts stand in the pictures, a `Pose` or its value.
        style_lora: name or id of a style LoRA of `owner` that all pictures are drawn with; empty: none.
        style_strength: of it, 0–1.5; None: its own.
        palette: at most four colours ``#rrggbb``, the main one first, of what the prompt names first where that is
            nobody's own thing and it does not colour it itself; also as one text. Empty: its usual colours.
    """

    prompt: str
    concept: str | None = None
    count: int = 1
    best_of: int = 1
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    fidelity: float = 0.7
    pose: str = Pose.BOTH
    owner: str = "local"
    style_lora: str | None = None
    style_strength: float | None = None
    palette: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        prompt = check_text(self.prompt, "prompt").strip()
        object.__setattr__(self, "prompt", prompt)
        if not prompt:
            raise InvalidInput("The prompt is empty. Say what to draw, for example: a happy @bo with a red balloon.")
        if len(prompt) > PROMPT_MAX:
            raise InvalidInput(f"The prompt has {len(prompt)} characters; at most {PROMPT_MAX} are possible.")
        if self.pose not in set(Pose):
            raise InvalidInput(f"pose is {self.pose!r}; {', '.join(Pose)} are possible.")
        object.__setattr__(self, "pose", Pose(self.pose))
        object.__setattr__(self, "palette", check_palette(self.palette))
        _check_range("count", self.count, 1, COUNT_MAX)
        _check_range("best_of", self.best_of, 1, COUNT_MAX)
        if self.candidates > COUNT_MAX:
            raise InvalidInput(
                f"The best of {self.best_of} for each of {self.count} pictures are {self.candidates} to draw; at most "
                f"{COUNT_MAX} are possible at once. Ask for fewer pictures, or for the best of fewer."
            )
        _check_range("fidelity", self.fidelity, 0, 1)
        for name, value, low, high in (
            ("seed", self.seed, 0, SEED_MAX),
            ("steps", self.steps, 1, STEPS_MAX),
            ("guidance", self.guidance, 1, GUIDANCE_MAX),
            ("style_strength", self.style_strength, 0, STRENGTH_MAX),
        ):
            if value is not None:
                _check_range(name, value, low, high)

    @property
    def candidates(self) -> int:
        """How many pictures are drawn, be they kept or not."""
        return self.count * self.best_of


def check_palette(colours: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return colours in lower case, be they one text or several; raises `InvalidInput` for what is none."""
    parts = re.split(r"[\s,;]+", colours) if isinstance(colours, str) else [*(colours or ())]
    found = tuple(part.casefold() for part in parts if part)
    for colour in found:
        if re.fullmatch("#[0-9a-f]{6}", colour) is None:
            raise InvalidInput(f"{colour[:20]!r} is no colour. Write colours like #1f77b4, at most {PALETTE_MAX}.")
    if len(found) > PALETTE_MAX:
        raise InvalidInput(f"The palette has {len(found)} colours; at most {PALETTE_MAX} are possible.")
    return found


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise InvalidInput(f"{name} is {value}; it must lie between {low} and {high}.")


def check_together(handles: Sequence[str]) -> None:
    """Raise `InvalidInput` when these things are too many for one picture."""
    if len(handles) > TOGETHER_MAX:
        names = ", ".join(f"@{handle}" for handle in handles)
        raise InvalidInput(
            f"{names} are {len(handles)} of your things; at most {TOGETHER_MAX} can be in one picture. Mention fewer."
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything needed to make a picture again. `concept_names` are for people, `concepts` the record ids.

    Attributes:
        taste: name of the taste it was drawn in; its words are part of `prompt`.
        taste_score: how likely the person likes it by that taste, 0–1.
        plain: id of the picture of the same seed without the taste.
        plain_score: how likely they like that one.
        style_lora: id of the style LoRA it was drawn with; its trigger phrase is part of `prompt`.
        style_name: what that was called.
        style_digest: by what other programs know it.
        style_strength: of it.
        palette: colours that it was drawn in, see `GenerateRequest`.
        like: content key of the picture that it was to look like; "": none, or that one is deleted.
        taste_share: of the taste beside that picture, 0–1; None: there was none.
        like_score: how much it looks like that picture, −1 to 1; also of the plain picture drawn beside such a one.
    """

    prompt: str
    seed: int
    steps: int
    guidance: float
    fidelity: float
    scheduler: str
    model: str
    model_hash: str
    width: int
    height: int
    pose: str = Pose.DRAWN
    concepts: tuple[str, ...] = ()
    concept_names: tuple[str, ...] = ()
    taste: str = ""
    taste_score: float | None = None
    plain: str = ""
    plain_score: float | None = None
    style_lora: str = ""
    style_name: str = ""
    style_digest: str = ""
    style_strength: float | None = None
    palette: tuple[str, ...] = ()
    like: str = ""
    taste_share: float | None = None
    like_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A made picture: `file` (lossless PNG with transparency) is a content key in the file store."""

    id: str
    file: str
    width: int
    height: int
    recipe: Recipe
    created_at: datetime
    owner: str = "local"
    liked: bool | None = None
    seconds: float | None = None
    scores: Scores = field(default_factory=Scores)
