"""Relations between concepts, read from a sentence such as "belongs to Ana"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.domain.concepts import Relation, handle_of
from studio.domain.text import check_text
from studio.errors import InvalidInput

RELATIONS_MAX = 50
WORDS_MAX = 120


def read_relations(texts: Sequence[str], known: Mapping[str, tuple[str, str]], *, of: str) -> tuple[Relation, ...]:
    """Return the relations that sentences tell, each once.

    Args:
        texts: each ends in a name of a known concept, with or without ``@``; empty ones are passed over.
        known: from every handle, those of further names included, to the concept's id and first name.
        of: id of the concept they are relations of.

    Raises:
        InvalidInput: a sentence ends in no name, is too long, or relates the concept to itself; or there are too many.
    """
    relations = {_read(text, known, of): None for text in texts if text.strip()}
    if len(relations) > RELATIONS_MAX:
        raise InvalidInput(f"{len(relations)} relations are too many; at most {RELATIONS_MAX} can be kept.")
    return tuple(relations)


def _read(text: str, known: Mapping[str, tuple[str, str]], of: str) -> Relation:
    words = check_text(text, "relation").strip().rstrip(".").split()
    # The longest name wins: "belongs to Ana Maria" is about Ana Maria, not about Maria.
    for start in range(1, len(words)):
        found = known.get(handle_of(" ".join(words[start:]).removeprefix("@")))
        if found is not None:
            return _checked(" ".join(words[:start]), *found, of=of)
    raise InvalidInput(
        f"The relation {text.strip()[:60]!r} has to end in the name of a concept, as in 'belongs to Ana'. "
        "Add that one first, or keep the sentence as a fact."
    )


def _checked(words: str, other: str, name: str, *, of: str) -> Relation:
    if other == of:
        raise InvalidInput(f"{name} cannot be related to itself.")
    if len(words) > WORDS_MAX:
        raise InvalidInput(f"A relation has {len(words)} characters; at most {WORDS_MAX} are possible.")
    return Relation(words=words, other=other, name=name)
