"""``@name`` mentions in a prompt: found by pure rules, bound to handles, rewritten."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from studio.domain.concepts import handle_of
from studio.errors import UnknownConcept

NEAR_MAX = 5
# A letter, digit or one of . _ % + - before the @ makes it an e-mail address; a second @ makes it nothing we know.
_MENTION = re.compile(r"(?<![\w.%+@-])@([^\W_]++(?:[-_][^\W_]++)*+)(?!@)")


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A mention as written: ``prompt[start:end]`` is the ``@`` and the name; `handle` its normal form."""

    handle: str
    start: int
    end: int


def find_mentions(prompt: str, handles: Collection[str]) -> tuple[Mention, ...]:
    """Find the mentions in `prompt` in order of appearance; repeated ones are all returned.

    The longest known handle wins, so ``@bo-shaped`` means ``bo`` where only ``bo`` is known.
    A mention of no known handle is returned as it is written; the caller decides what that means.
    `prompt` is to be in NFC, see `normalize`.
    """
    return tuple(_longest_known(match, handles) for match in _MENTION.finditer(prompt))


def normalize(prompt: str) -> str:
    """Return `prompt` in NFC, so that an é typed as two code points still finds its concept."""
    return unicodedata.normalize("NFC", prompt)


def replace_mentions(prompt: str, handles: Collection[str], replacement: Callable[[str], str]) -> str:
    """Return `prompt` with every known mention replaced by ``replacement(handle)``; others stay."""
    pieces: list[str] = []
    end = 0
    for mention in find_mentions(prompt, handles):
        if mention.handle in handles:
            pieces += [prompt[end : mention.start], replacement(mention.handle)]
            end = mention.end
    return "".join([*pieces, prompt[end:]])


def unknown_concept(wanted: str, handles: Iterable[str]) -> UnknownConcept:
    """Return the error for a name that is not registered; it says which near ones are."""
    known = sorted(handles)
    near = difflib.get_close_matches(handle_of(wanted), known, n=NEAR_MAX)
    if near:
        hint = f"Did you mean {_mentions(near)}?"
    elif known:
        more = f" and {len(known) - NEAR_MAX} more" if len(known) > NEAR_MAX else ""
        hint = f"Known are {_mentions(known[:NEAR_MAX])}{more}."
    else:
        hint = "No concept is known yet; add photos of the thing first."
    return UnknownConcept(f"There is no concept @{wanted[:60]}. {hint}")


def _longest_known(match: re.Match[str], handles: Collection[str]) -> Mention:
    written = match[1]
    ends = [len(written), *(cut.start() for cut in reversed(list(re.finditer("[-_]", written))))]
    for end in ends:
        handle = handle_of(written[:end])
        if handle in handles:
            return Mention(handle=handle, start=match.start(), end=match.start() + 1 + end)
    return Mention(handle=handle_of(written), start=match.start(), end=match.end())


def _mentions(handles: Iterable[str]) -> str:
    return ", ".join(f"@{handle}" for handle in handles)
