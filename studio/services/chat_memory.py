"""Conversations as something that may speak of a concept: what is forgotten is not quoted any more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy.orm import Session

from studio.domain.concepts import Concept
from studio.domain.conversations import Message, summary_of
from studio.domain.naming import named_in
from studio.domain.receipts import Erased
from studio.storage.conversations import ConversationRepository

FORGOTTEN = "(forgotten)"


class ChatMemory:
    """Takes the words out of messages that name a concept or rest on it; the pictures that were sent stay."""

    def forget(self, concept: Concept, session: Session) -> Sequence[Erased]:
        """See `studio.services.forgetting.Memory.forget`."""
        there = ConversationRepository(session, concept.owner)
        count = size = 0
        for conversation in there.list(limit=None):
            messages = list(there.messages(conversation.id))
            spoken = [message for message in messages if speaks_of(message, concept)]
            for message in spoken:
                there.replace(_without(message, concept))
                count, size = count + 1, size + len(message.text.encode())
            named = bool(named_in(conversation.title, [concept]))
            if spoken or named:
                there.rename(conversation.id, FORGOTTEN if named else conversation.title)
                summary = summary_of(list(there.messages(conversation.id)))
                there.touch(conversation.id, summary, conversation.changed_at)
        return [Erased(what="messages that speak of it", count=count, bytes=size)]

    def remains(self, concept: Concept, session: Session) -> Sequence[str]:
        """See `studio.services.forgetting.Memory.remains`."""
        there = ConversationRepository(session, concept.owner)
        return [
            f"message: {message.id}"
            for conversation in there.list(limit=None)
            for message in there.messages(conversation.id)
            if speaks_of(message, concept)
        ]


def speaks_of(message: Message, concept: Concept) -> bool:
    """Return whether a message names a concept or rests on it."""
    return concept.id in spoken_of(message, [concept])


def spoken_of(message: Message, concepts: Sequence[Concept]) -> frozenset[str]:
    """Return the ids of what a message rests on, and of those of `concepts` that it names."""
    rested_on = (
        *(one.concept_id for one in message.places),
        *(one.concept_id for one in message.facts),
        *(one.concept_id for one in message.proposals),
    )
    named = (concept.id for concept in named_in(message.text, concepts))
    return frozenset(one for one in (*rested_on, *named) if one)


def _without(message: Message, concept: Concept) -> Message:
    return dataclasses.replace(
        message,
        text=FORGOTTEN,
        draw="",
        places=tuple(one for one in message.places if one.concept_id != concept.id),
        facts=tuple(one for one in message.facts if one.concept_id != concept.id),
        proposals=tuple(one for one in message.proposals if one.concept_id != concept.id),
    )
