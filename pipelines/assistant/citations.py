"""The numbers that a model cites facts by become the facts' own words, while the answer is still being written."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CITATION = re.compile(r"\[(F\d{1,4})\]")
_OPEN = re.compile(r"\[(?:F\d{0,4})?$")  # the beginning of a number that is not written out yet


class Citations:
    """Reads the pieces of an answer; what it gives never ends within a number.

    Args:
        facts: from number to the id and the words of a fact. Numbers of no fact are left out of the answer.
    """

    def __init__(self, facts: Mapping[str, tuple[str, str]]) -> None:
        self._facts = facts
        self._raw = ""
        self._cited: dict[str, None] = {}

    @property
    def cited(self) -> tuple[str, ...]:
        """Ids of the facts that were cited, each once, in the order of the answer."""
        return tuple(self._cited)

    def add(self, piece: str) -> str:
        """Take a piece and return the answer so far."""
        self._raw += piece
        return self.text(final=False)

    def text(self, *, final: bool = True) -> str:
        """Return the answer; unless it is `final`, without a number that may still be going on."""
        raw = self._raw if final else _OPEN.sub("", self._raw)
        return _CITATION.sub(self._quote, raw).strip()

    def _quote(self, found: re.Match[str]) -> str:
        known = self._facts.get(found[1])
        if known is None:
            return ""
        fact_id, words = known
        self._cited[fact_id] = None
        return f"“{words}”"
