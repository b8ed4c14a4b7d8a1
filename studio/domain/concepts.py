"""What the studio remembers of a thing: a concept, its photos and its facts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from studio.domain.text import check_text
from studio.errors import InvalidInput

NAME_MAX = 40
KIND_MAX = 40
FACT_MAX = 500
FACTS_MAX = 50
PHOTOS_MAX = 40
_NAME = re.compile(r"[^\W_]+(?:[ _'-][^\W_]+)*")


def check_name(name: str) -> str:
    """Return `name` in normal form (NFC, outer blanks removed), or raise.

    Raises:
        InvalidInput: empty, longer than `NAME_MAX` characters, or not letters and digits
            joined by single blanks, hyphens, apostrophes or underscores.
    """
    clean = unicodedata.normalize("NFC", check_text(name, "name")).strip()
    if not clean:
        raise InvalidInput("The name is empty. Give the thing a name, for example: Bo.")
    if len(clean) > NAME_MAX:
        raise InvalidInput(f"The name has {len(clean)} characters; at most {NAME_MAX} are possible.")
    if not _NAME.fullmatch(clean):
        raise InvalidInput(f"The name {clean!r} may only hold letters and digits, joined by single blanks or hyphens.")
    return clean


def handle_of(name: str) -> str:
    """Return the mention of a concept without its ``@``: lower case, blanks and apostrophes as hyphens."""
    return re.sub(r"[ _']", "-", unicodedata.normalize("NFC", name).strip().casefold())


def check_kind(kind: str) -> str:
    """Return the class word `kind` without outer blanks, or raise `InvalidInput` when it is too long."""
    clean = " ".join(check_text(kind, "kind").split())
    if len(clean) > KIND_MAX:
        raise InvalidInput(f"The kind has {len(clean)} characters; one or two words such as 'dog' are enough.")
    return clean


def check_facts(facts: Sequence[str]) -> tuple[str, ...]:
    """Return `facts` without outer blanks and empty ones, or raise `InvalidInput` when too many or too long."""
    clean = tuple(check_text(fact, "fact").strip() for fact in facts if fact.strip())
    if len(clean) > FACTS_MAX:
        raise InvalidInput(f"{len(clean)} facts are too many; at most {FACTS_MAX} can be kept.")
    for fact in clean:
        if len(fact) > FACT_MAX:
            raise InvalidInput(f"A fact has {len(fact)} characters; at most {FACT_MAX} are possible: {fact[:40]!r}…")
    return clean


def check_photo_count(count: int) -> None:
    """Raise `InvalidInput` unless `count` photos can be taken at once."""
    if not count:
        raise InvalidInput("There is no photo. Add at least one photo of the thing.")
    if count > PHOTOS_MAX:
        raise InvalidInput(f"{count} photos are too many; a concept takes at most {PHOTOS_MAX}.")


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One stored photo of a concept; `file` and `cutout` are content keys in the file store."""

    id: str
    file: str
    width: int
    height: int
    cutout: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A sentence about a concept as the person wrote it."""

    text: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Concept:
    """A thing the studio knows. `adapter` is the content key of its personal LoRA, if one was predicted."""

    id: str
    name: str
    kind: str
    photos: tuple[Photo, ...]
    facts: tuple[Fact, ...]
    created_at: datetime
    owner: str = "local"
    adapter: str | None = None
    adapter_model: str | None = None

    @property
    def handle(self) -> str:
        """The mention used in prompts, without the ``@``."""
        return handle_of(self.name)


@dataclass(frozen=True, kw_only=True)
class AddConceptRequest:
    """Photos (encoded file contents, as uploaded) and what the person says about them.

    Attributes:
        name: what it is called.
        photos: 1–40.
        kind: class word; empty: it is guessed.
        facts: sentences about it.
        one_thing: the person says that all photos show it, even if they do not look alike.
        owner: whose concept it will be.
    """

    name: str
    photos: tuple[bytes, ...]
    kind: str = ""
    facts: tuple[str, ...] = ()
    one_thing: bool = False
    owner: str = "local"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", check_name(self.name))
        object.__setattr__(self, "kind", check_kind(self.kind))
        object.__setattr__(self, "facts", check_facts(self.facts))
        check_photo_count(len(self.photos))


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What was understood of a photo before anything is stored.

    Attributes:
        cutout: the subject on transparent ground, PNG (RGBA), at a size for looking at.
        coverage: share of the photo that the subject covers, 0–1.
        kinds: likely class words with scores, best first.
        width: of the upright photo in pixels.
        height: of the upright photo in pixels.
        group: number of the group of photos of this reading that look alike; 0 is the largest.
    """

    cutout: bytes
    coverage: float
    kinds: tuple[tuple[str, float], ...]
    width: int
    height: int
    group: int = 0
