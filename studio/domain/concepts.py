"""What the studio remembers of a thing: a concept, its photos and its facts."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from studio.domain.people import is_person
from studio.domain.text import check_text, with_article
from studio.errors import ConsentMissing, InvalidInput

NAME_MAX = 40
KIND_MAX = 40
FACT_MAX = 500
FACTS_MAX = 50
PHOTOS_MAX = 40
ALIASES_MAX = 20
ATTRIBUTES_MAX = 300
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


def check_aliases(aliases: Sequence[str], name: str) -> tuple[str, ...]:
    """Return further names of the concept called `name`, each once and in normal form.

    Raises:
        InvalidInput: one cannot be a name, or there are more than `ALIASES_MAX`.
    """
    clean = {handle_of(alias): alias for alias in (check_name(alias) for alias in aliases if alias.strip())}
    clean.pop(handle_of(name), None)
    if len(clean) > ALIASES_MAX:
        raise InvalidInput(f"{len(clean)} further names are too many; at most {ALIASES_MAX} can be kept.")
    return tuple(clean.values())


def check_attributes(attributes: str) -> str:
    """Return what sets a concept apart without superfluous blanks; raises `InvalidInput` where it is too long."""
    clean = " ".join(check_text(attributes, "fingerprint").split())
    if len(clean) > ATTRIBUTES_MAX:
        raise InvalidInput(f"The fingerprint has {len(clean)} characters; at most {ATTRIBUTES_MAX} are possible.")
    return clean


def check_photo_count(count: int) -> None:
    """Raise `InvalidInput` unless `count` photos can be taken at once."""
    if not count:
        raise InvalidInput("There is no photo. Add at least one photo of the thing.")
    if count > PHOTOS_MAX:
        raise InvalidInput(f"{count} photos are too many; a concept takes at most {PHOTOS_MAX}.")


class FactSource(enum.StrEnum):
    """Where a fact comes from."""

    SAID = "said"  # by the person, of the concept
    CHAT = "chat"  # proposed in a conversation and agreed to
    IMPORTED = "imported"  # with a concept from a file


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One stored photo of a concept.

    Attributes:
        id: of its record.
        file: content key of the photo in the file store.
        width: of the upright photo in pixels.
        height: of the upright photo in pixels.
        cutout: content key of the subject on transparent ground; its alpha is the subject's mask within `box`.
        box: left, top, right, bottom of the subject in pixels of the photo; None where it was not measured.
    """

    id: str
    file: str
    width: int
    height: int
    cutout: str | None = None
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A sentence about a concept as the person wrote it."""

    text: str
    added_at: datetime
    source: FactSource = FactSource.SAID


@dataclass(frozen=True, kw_only=True)
class Relation:
    """What a concept is to another one of the same owner.

    Attributes:
        words: between the two names: "belongs to".
        other: id of the other concept.
        name: what the other concept is called now.
    """

    words: str
    other: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.words} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Concept:
    """A thing the studio knows.

    Attributes:
        id: of its record.
        name: what it is called first of all.
        kind: class word.
        photos: in the order they were added.
        facts: in the order the person gave them.
        created_at: when it was added.
        owner: whose it is.
        adapter: content key of its personal LoRA, if one was predicted.
        adapter_model: what predicted it; None: it is to be predicted anew.
        aliases: further names; each is a mention as the first one is.
        relations: to other concepts.
        attributes: what sets it apart from others of its kind, in words.
        consent_at: when a person said that they agree; None: not (yet).
    """

    id: str
    name: str
    kind: str
    photos: tuple[Photo, ...]
    facts: tuple[Fact, ...]
    created_at: datetime
    owner: str = "local"
    adapter: str | None = None
    adapter_model: str | None = None
    aliases: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()
    attributes: str = ""
    consent_at: datetime | None = None

    @property
    def handle(self) -> str:
        """The mention used in prompts, without the ``@``."""
        return handle_of(self.name)

    @property
    def handles(self) -> tuple[str, ...]:
        """All its mentions, that of its name first."""
        return (self.handle, *(handle_of(alias) for alias in self.aliases))

    @property
    def fingerprint(self) -> str:
        """What it is to be told apart by: ``ginger and white; a dog``."""
        return "; ".join(part for part in (self.attributes, with_article(self.kind) if self.kind else "") if part)

    @property
    def is_person(self) -> bool:
        """Whether it is somebody who has to agree before anything of them is given away."""
        return is_person(self.kind)


def check_consent(concept: Concept) -> None:
    """Raise `ConsentMissing` where a concept is a person who has not agreed to be given away."""
    if concept.is_person and concept.consent_at is None:
        raise ConsentMissing(
            f"{concept.name} is a person. Ask them first; once they agree, say so on their card (--consent)."
        )


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
    aliases: tuple[str, ...] = ()
    consent: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", check_name(self.name))
        object.__setattr__(self, "kind", check_kind(self.kind))
        object.__setattr__(self, "facts", check_facts(self.facts))
        object.__setattr__(self, "aliases", check_aliases(self.aliases, self.name))
        check_photo_count(len(self.photos))

    @property
    def handles(self) -> tuple[str, ...]:
        """The mentions of all its names, that of the first one first."""
        return (handle_of(self.name), *(handle_of(alias) for alias in self.aliases))


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
