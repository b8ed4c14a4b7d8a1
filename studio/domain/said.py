"""What a person says about their things or themselves, as facts that may be remembered; by plain rules over English.

Nothing here stores anything: what is found is proposed, and the person decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from studio.domain.concepts import FACT_MAX, Concept
from studio.domain.naming import names_of

FOUND_MAX = 3
_WISH = re.compile(
    r"^(?:please |and )*(?:remember|note|keep in mind|don['’]t forget|you should know|fyi)[,:]?\s+(?:that\s+)?", re.I
)
_QUESTION = re.compile(
    r"^(?:(?:and|so|but|ok|well)[, ]+)*(?:who|what|when|where|which|why|how|whose|is|are|was|were|do|does|did|can|"
    r"could|will|would|should|has|have|may|tell|show|draw|write|describe|name|give|make)\b",
    re.I,
)
_VERB = (
    r"(?:is|are|was|has|had|can|can['’]t|cannot|could|must|may|should|does|doesn['’]t|did|didn['’]t|isn['’]t|wasn['’]t|"
    r"won|lost|got|came|cost|ate|went|ran|slept|broke|fell|loved|liked|hated|needed|wanted|belonged|lived|used|"
    r"[a-z]{2,}s)"
)
_PRONOUN = r"(?:he|she|it|they)"
_ABOUT_ME = re.compile(
    r"^(?:i (?:really |also |always |never |usually |don['’]t |do not )*"
    r"(?:like|love|hate|prefer|live|work|collect|need|am)\b|"
    r"i['’]m|my (?:favou?rite|name|birthday)\b)",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """A fact as it was said; `concept` is None where it is about the person."""

    concept: Concept | None
    text: str


def facts_said(text: str, concepts: Sequence[Concept], focus: Sequence[Concept] = ()) -> tuple[Said, ...]:
    """Return what `text` says about things of the person or about themselves, at most three facts.

    Args:
        text: what was said.
        concepts: all things of the person.
        focus: what was talked about last; a pronoun means it where it is one thing.
    """
    found = []
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", text.strip()):
        plain = _WISH.sub("", sentence.strip())
        if not plain or plain.endswith("?") or _QUESTION.match(plain):
            continue
        one = _about_thing(plain, concepts) or _about_focus(plain, focus) or _about_person(plain)
        if one is not None and len(one.text) <= FACT_MAX:
            found.append(one)
    return tuple(found[:FOUND_MAX])


def is_wish(text: str) -> bool:
    """Say whether `text` asks in so many words to have something remembered."""
    return _WISH.match(text.strip()) is not None


def _about_thing(sentence: str, concepts: Sequence[Concept]) -> Said | None:
    for concept in sorted(concepts, key=lambda one: -len(one.name)):
        names = "|".join(re.escape(name) for name in names_of(concept))
        match = re.match(rf"(?:my |our |the )?@?(?:{names})(?P<rest>(?:['’]s)? .+)$", sentence, re.I)
        if match is None:
            continue
        rest = match["rest"].strip()
        if rest[:2] in ("'s", "’s"):  # “Bo's birthday is on 3 May”, or short for “is”
            rest = rest[2:].strip()
            return Said(concept=concept, text=_clean(rest))
        if re.match(rf"(?:also |really |always |never |often |usually )*{_VERB}\b", rest, re.I):
            return Said(concept=concept, text=_clean(rest))
    return None


def _about_focus(sentence: str, focus: Sequence[Concept]) -> Said | None:
    match = re.match(rf"{_PRONOUN} (?P<rest>{_VERB}\b .+)$", sentence, re.I)
    return Said(concept=focus[0], text=_clean(match["rest"])) if match and len(focus) == 1 else None


def _about_person(sentence: str) -> Said | None:
    return Said(concept=None, text=_clean(sentence)) if _ABOUT_ME.match(sentence) else None


def _clean(words: str) -> str:
    """Return a fact as it stands on cards: without the verb ``is`` before it, and the full stop after it."""
    return re.sub(r"^is\s+", "", " ".join(words.split()), flags=re.I).rstrip(". !")
