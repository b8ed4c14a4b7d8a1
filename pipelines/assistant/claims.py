"""What a description claims besides its subject, so that it can be asked about before it is believed.

A model that is asked to describe goes on where it should end: “a white shoe, wearing a graduation cap”. Asked whether
there is a graduation cap, the same model says no. So each thing that a description adds is asked about by itself, as in
chain-of-verification (arXiv 2309.11495), and what is denied is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_JOINTS = r"wearing|riding|next to|beside|holding"
_ENDS = rf",|\.|$| (?:{_JOINTS}) | (?:on|in|at|under) (?:an?|the)\b| in space\b"
_CLAIM = re.compile(rf",? (?:{_JOINTS}) ((?:an?|the|some) [^,.]+?)(?={_ENDS})")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Words of a description, and the thing, with its article, that they add."""

    words: str
    thing: str

    def question(self) -> str:
        """Return what is asked about it."""
        return f"Is there {self.thing} in this picture?"


def claims_of(description: str) -> list[Claim]:
    """Return what a description claims besides its subject, in order."""
    return [Claim(words=found[0], thing=found[1]) for found in _CLAIM.finditer(description)]


def without_claims(description: str, denied: Sequence[Claim]) -> str:
    """Return a description without the claims that were denied."""
    for claim in denied:
        description = description.replace(claim.words, "", 1)
    # “Bo, a dog, on a hill” keeps the comma behind its apposition, one with nothing behind it does not
    return re.sub(r",\s*\.", ".", description)
