"""What the studio remembers of a thing: a concept, its photos and its facts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

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
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean:
        raise InvalidInput("The name is empty. Give the thing a name, for example: Bo.")
    if len(clean) > NAME_MAX:
        raise InvalidInput(f"The name has {len(clean)} characters; at most {NAME_MAX} are possible.")
    if not _NAME.fullmatch(clean):
        raise InvalidInput(f"The name {clean!r} may hold letters, digits and single blanks, hyphens or apostrophes only.")
    return clean


def handle_of(name: str) -> str:
    """Return the mention of a concept without its ``@``: lower case, blanks and apostrophes as hyphens."""
    return re.sub(r"[ _']", "-", unicodedata.normalize("NFC", name).strip().casefold())


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
    """Photos (encoded file contents, as uploaded) and what the person says about them."""

    name: str
    photos: tuple[bytes, ...]
    kind: str = ""
    facts: tuple[str, ...] = ()
    owner: str = "local"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", check_name(self.name))
        object.__setattr__(self, "kind", self.kind.strip())
        object.__setattr__(self, "facts", tuple(fact.strip() for fact in self.facts if fact.strip()))
        if not self.photos:
            raise InvalidInput("There is no photo. Add at least one photo of the thing.")
        if len(self.photos) > PHOTOS_MAX:
            raise InvalidInput(f"{len(self.photos)} photos are too many; a concept takes at most {PHOTOS_MAX}.")
        if len(self.kind) > KIND_MAX:
            raise InvalidInput(f"The kind has {len(self.kind)} characters; one or two words such as 'dog' are enough.")
        if len(self.facts) > FACTS_MAX:
            raise InvalidInput(f"{len(self.facts)} facts are too many; at most {FACTS_MAX} can be kept.")
        for fact in self.facts:
            if len(fact) > FACT_MAX:
                raise InvalidInput(f"A fact has {len(fact)} characters; at most {FACT_MAX} are possible: {fact[:40]!r}…")
