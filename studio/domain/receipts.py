"""What is gone for good, as it is told to the person who asked for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Things of one sort.

    Attributes:
        what: in the plural: "photos".
        count: how many of them.
        bytes: what their files and records took.
    """

    what: str
    count: int
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What forgetting a concept removed.

    Attributes:
        concept: its name.
        erased: what is gone, sort by sort; sorts of which there was nothing are left out.
        stayed: what was left on purpose, such as pictures that were not asked for.
        found: what was looked for afterwards and is still there; nothing, unless something went wrong.
    """

    concept: str
    erased: tuple[Erased, ...]
    stayed: tuple[Erased, ...] = ()
    found: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing of what was to go could be found afterwards."""
        return not self.found

    @property
    def bytes(self) -> int:
        """What it took in all."""
        return sum(one.bytes for one in self.erased)
