"""Which of a person's things a text names: by ``@mention``, by name, in any case, as whole words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from studio.domain.concepts import Concept
from studio.domain.mentions import normalize


def names_of(concept: Concept) -> tuple[str, ...]:
    """Return everything that a concept may be called by in a text, its name first."""
    return tuple(dict.fromkeys((concept.name, concept.handle)))


def named_in(text: str, concepts: Sequence[Concept]) -> tuple[Concept, ...]:
    """Return the concepts that `text` names, in order of appearance, each once; the longest name wins."""
    by_name = {name.casefold(): concept for concept in reversed(concepts) for name in names_of(concept)}
    if not by_name:
        return ()
    found = (by_name[match[1].casefold()] for match in _any_of(by_name).finditer(normalize(text)))
    return tuple({concept.id: concept for concept in found}.values())


def _any_of(names: dict[str, Concept]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![\w@])@?({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
