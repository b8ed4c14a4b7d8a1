"""Stickers: what a set shows, how each one is finished, and the pack it goes into."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Self

from studio.domain.generation import SEED_MAX, Picture
from studio.errors import InvalidInput

EDGE = 512  # pixels; the canvas of every sticker
COUNT_USUAL = 12
CAPTION_MAX = 60
TITLE_MAX = 64  # the shortest of the messengers' limits: Telegram's
PUBLISHER = "Keepsake"
EMOJIS_OTHERWISE = ("✨",)  # for a picture that shows no scene of ours


class _Named(enum.StrEnum):
    """Something that a person names."""

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the one called `name`, or raise `InvalidInput` with those there are."""
        try:
            return cls(name.strip().lower())
        except ValueError as error:
            raise InvalidInput(f"{cls._lacking()} {name[:40]!r}; choose one of {', '.join(cls)}.") from error

    @classmethod
    def _lacking(cls) -> str:
        """Return how the sentence begins that says that there is none of a name."""
        raise NotImplementedError


class Messenger(_Named):
    """Where a pack is to be used; ``png`` and ``svg`` are plain files for anything else."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    SIGNAL = "signal"
    PNG = "png"
    SVG = "svg"

    @classmethod
    def _lacking(cls) -> str:
        return "There are no packs for"


class Motion(_Named):
    """How a sticker moves, in a loop without a seam; ``none`` is a still one."""

    NONE = "none"
    BOUNCE = "bounce"  # hops, and gives way where it lands
    WIGGLE = "wiggle"  # sways like a plush toy on a shelf
    BREATHE = "breathe"  # swells and sinks, slowly
    WAVE = "wave"  # dives below the edge, pops up again and waves
    SPARKLE = "sparkle"  # stars light up around it

    @classmethod
    def _lacking(cls) -> str:
        return "There is no motion"


FITTING = "fitting"  # instead of a motion: of each scene the one that suits it
MOTION_OTHERWISE = Motion.BOUNCE  # for a picture that shows no scene of ours


class Mark(enum.StrEnum):
    """Signs that say what somebody feels, as comics have them."""

    NONE = "none"
    STARS = "stars"
    HEARTS = "hearts"
    CLOUD = "cloud"  # that rains on one's head
    ANGER = "anger"  # a swollen vein
    SLEEP = "sleep"  # Zs
    ALARM = "alarm"  # exclamation marks
    QUESTION = "question"
    SWEAT = "sweat"
    THUMB = "thumb"  # up
    CONFETTI = "confetti"
    NOTES = "notes"  # of music
    BULB = "bulb"  # an idea
    DIZZY = "dizzy"
    SPEED = "speed"  # lines behind it


class Bearing(enum.StrEnum):
    """How a subject carries itself."""

    UPRIGHT = "upright"
    TILTED = "tilted"
    SUNK = "sunk"
    STRETCHED = "stretched"
    LEANING = "leaning"


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """What a subject feels, as it is to be seen: the signs around it, and how it carries itself."""

    mark: Mark = Mark.NONE
    bearing: Bearing = Bearing.UPRIGHT


UNMOVED = Feeling()


class SceneSet(_Named):
    """What the stickers of a set are about."""

    FEELINGS = "feelings"
    OCCASIONS = "occasions"

    @classmethod
    def _lacking(cls) -> str:
        return "There is no set"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One thing a subject does on a sticker.

    Attributes:
        prompt: with ``{it}`` where the subject stands.
        words: what the sticker says where every sticker has its own words.
        emojis: 1–3 that find the sticker in the messenger's keyboard.
        says: the picture in words, after the subject's name; for people who listen to their messages.
        motion: how it moves where every sticker has the motion that suits it.
        feeling: what the subject feels.
        set: which set it belongs to.
    """

    prompt: str
    words: str
    emojis: tuple[str, ...]
    says: str
    motion: Motion = MOTION_OTHERWISE
    feeling: Feeling = UNMOVED
    set: SceneSet = SceneSet.OCCASIONS

    def prompt_for(self, subject: str) -> str:
        """Return the prompt about `subject`, for example ``@bo``."""
        return self.prompt.replace("{it}", subject)


@dataclass(frozen=True, kw_only=True)
class StickerLook:
    """How stickers are finished.

    Attributes:
        outline: a white border along the silhouette.
        shadow: a soft shadow below it.
        caption: the same words under every sticker, at most 60 characters; empty for none.
        own_words: each scene's own words instead of `caption`.
        motion: a `Motion` for all of them, or `FITTING`.
    """

    outline: bool = True
    shadow: bool = True
    caption: str = ""
    own_words: bool = False
    motion: str = Motion.NONE

    def __post_init__(self) -> None:
        if self.motion != FITTING:
            object.__setattr__(self, "motion", Motion.of(self.motion))
        caption = " ".join(self.caption.split())
        object.__setattr__(self, "caption", caption)
        if len(caption) > CAPTION_MAX:
            raise InvalidInput(f"The caption has {len(caption)} characters; at most {CAPTION_MAX} fit under a sticker.")


@dataclass(frozen=True, kw_only=True)
class StickersRequest:
    """A set to draw: one picture for each of the first `count` scenes.

    Attributes:
        concept: name, handle or mention of a known thing.
        count: stickers, 1 to as many as there are scenes.
        about: whose scenes come first; a longer set goes on with the others.
        seed: of the first sticker, 0–2³²−1; sticker i uses seed + i. None: chosen at random.
    """

    concept: str
    count: int = COUNT_USUAL
    seed: int | None = None
    owner: str = "local"
    about: SceneSet = SceneSet.FEELINGS

    def __post_init__(self) -> None:
        if not self.concept.strip():
            raise InvalidInput("No thing is named. Say which one the stickers show, for example: Bo.")
        if self.seed is not None and not 0 <= self.seed <= SEED_MAX:
            raise InvalidInput(f"seed is {self.seed}; it must lie between 0 and {SEED_MAX}.")


@dataclass(frozen=True, kw_only=True)
class Sticker:
    """A picture that becomes a sticker, with what its scene says; `words` is empty where it shows no scene of ours."""

    picture: Picture
    emojis: tuple[str, ...]
    words: str
    says: str
    motion: Motion = MOTION_OTHERWISE
    feeling: Feeling = UNMOVED


@dataclass(frozen=True, kw_only=True)
class PackItem:
    """A finished sticker as it goes into a pack.

    Attributes:
        name: of its file, without suffix: lower-case letters, digits and hyphens.
        emojis: 1–3.
        says: the picture in words, at most 125 characters.
    """

    name: str
    emojis: tuple[str, ...]
    says: str


@dataclass(frozen=True, kw_only=True)
class PackLabel:
    """What a pack is called; `identifier` is lower-case ASCII letters, digits and hyphens."""

    identifier: str
    title: str
    publisher: str = PUBLISHER

    def __post_init__(self) -> None:
        title = " ".join(self.title.split())
        object.__setattr__(self, "title", title)
        if not 1 <= len(title) <= TITLE_MAX:
            raise InvalidInput(f"The title has {len(title)} characters; a pack's title has 1 to {TITLE_MAX}.")


@dataclass(frozen=True, kw_only=True)
class PackProblem:
    """A rule that a pack breaks: the file (empty: the whole pack), and a sentence that says what and how much."""

    file: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}: {self.sentence}" if self.file else self.sentence


@dataclass(frozen=True, kw_only=True)
class BuiltPack:
    """A pack that was found valid: its files by their path in it, and what its heaviest sticker weighs.

    Attributes:
        largest: bytes of the heaviest sticker.
        animated: whether its stickers move.
    """

    messenger: Messenger
    label: PackLabel
    files: dict[str, bytes]
    stickers: int
    largest: int
    animated: bool = False

    @property
    def name(self) -> str:
        """Name for a folder or an archive."""
        return f"{self.label.identifier}-{self.messenger}"
