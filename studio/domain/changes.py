"""Changes of a concept that need no device: names, kind, facts, relations, what sets it apart, consent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypedDict

from studio.domain.concepts import (
    Concept,
    Fact,
    FactSource,
    check_aliases,
    check_attributes,
    check_facts,
    check_kind,
    check_name,
)
from studio.domain.relations import read_relations

KIND_UNKNOWN = "thing"


class ConceptChanges(TypedDict, total=False):
    """What is to be changed; what is left out or None stays.

    Attributes:
        name: what it is called first of all.
        kind: class word; another one asks for another LoRA.
        facts: all of them; those it has already keep their date and source.
        aliases: all its further names.
        relations: all of them, each as "belongs to Ana".
        attributes: what sets it apart from others of its kind.
        consent: whether the person has agreed to be given away; the first yes is dated.
    """

    name: str | None
    kind: str | None
    facts: Sequence[str] | None
    aliases: Sequence[str] | None
    relations: Sequence[str] | None
    attributes: str | None
    consent: bool | None


def with_changes(
    concept: Concept, changes: ConceptChanges, names: Mapping[str, tuple[str, str]], source: FactSource
) -> Concept:
    """Return the changed concept.

    Args:
        concept: as it is.
        changes: what is to be changed.
        names: from every known handle to the concept's id and first name; for relations.
        source: where facts that are new come from.

    Raises:
        InvalidInput: a value is out of bounds, or a relation is to nothing that is known.
    """
    after = concept
    if (name := changes.get("name")) is not None:
        after = dataclasses.replace(after, name=check_name(name))
    if (kind := changes.get("kind")) is not None:
        after = dataclasses.replace(after, kind=check_kind(kind) or KIND_UNKNOWN)
    if (facts := changes.get("facts")) is not None:
        after = dataclasses.replace(after, facts=with_facts(concept.facts, check_facts(facts), source))
    if (relations := changes.get("relations")) is not None:
        after = dataclasses.replace(after, relations=read_relations(relations, names, of=concept.id))
    if (attributes := changes.get("attributes")) is not None:
        after = dataclasses.replace(after, attributes=check_attributes(attributes))
    if (consent := changes.get("consent")) is not None:
        after = dataclasses.replace(after, consent_at=(concept.consent_at or datetime.now(UTC)) if consent else None)
    aliases = changes.get("aliases")
    further = concept.aliases if aliases is None else aliases
    return dataclasses.replace(after, aliases=check_aliases(further, after.name))


def with_facts(before: Sequence[Fact], texts: Sequence[str], source: FactSource) -> tuple[Fact, ...]:
    """Return the facts that `texts` say; those of before keep their date and source."""
    known = {fact.text: fact for fact in before}
    now = datetime.now(UTC)
    return tuple(known.get(text) or Fact(text=text, added_at=now, source=source) for text in texts)
