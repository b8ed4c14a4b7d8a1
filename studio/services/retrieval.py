"""What is retrieved for a turn: things that are named, the picture that is meant, what it shows now, and notes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from PIL import Image

from studio.domain.concepts import Concept
from studio.domain.conversations import Message, Note, Proposal, QuotedFact, Role, ShownPlace
from studio.domain.naming import named_in, names_of
from studio.domain.recognition import Found, Recognition
from studio.engines.base import AssistantCard, AssistantReply, AssistantSpot, AssistantTask

TURNS_MAX = 12
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3}
_PICTURE = re.compile(r"\b(first|second|third|fourth|last|previous|earlier) (?:picture|photo|image|pic)\b", re.I)
_OF_THE_PERSON = re.compile(
    r"\b(?:do|did|am|was|have|can|should) i\b|\bmy (?:favou?rite|name|birthday)\b|\babout me\b", re.I
)
_POINTS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|his|hers|its|them|their|this|that|these|those|ones?)\b|^\W*(?:and|what else)\b",
    re.I,
)
_NOTES_ID = "notes"


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """What was retrieved.

    Attributes:
        task: for the engine.
        picture_id: of the picture that is talked about; None where there is none.
        found: its places, in the order of the task's spots.
        sources: from a fact's id in the task to what is told of it.
        proposals: what the question tells that may be remembered.
    """

    task: AssistantTask
    picture_id: str | None
    found: tuple[Found, ...]
    sources: Mapping[str, QuotedFact]
    proposals: tuple[Proposal, ...] = ()

    def with_evidence(
        self, picture: Image.Image | None, kinds: Mapping[str, Mapping[int, str]], proposals: tuple[Proposal, ...]
    ) -> Retrieved:
        """Return it with the picture itself, with class words for unknown places, and with proposals."""
        words = kinds.get(self.picture_id or "", {})
        spots = tuple(
            dataclasses.replace(spot, kind=words.get(one.region, "") if spot.card is None else "")
            for spot, one in zip(self.task.spots, self.found, strict=True)
        )
        task = dataclasses.replace(self.task, picture=picture, spots=spots)
        return dataclasses.replace(self, task=task, proposals=proposals)


def retrieve(
    asked: Message,
    before: Sequence[Message],
    concepts: Sequence[Concept],
    shows: Mapping[str, Recognition],
    notes: Sequence[Note] = (),
) -> Retrieved:
    """Retrieve for a question, from everything that is known at this moment.

    Args:
        asked: the question.
        before: what was said before it.
        concepts: all things of the person.
        shows: what each picture of the conversation shows now, by its id.
        notes: what is remembered about the person.
    """
    named = named_in(asked.text, concepts)
    picture_id = _picture_meant(asked, before, named, shows)
    found = shows[picture_id].found if picture_id is not None else ()
    shown = {one.concept_id for one in found if one.concept_id is not None}
    meant = {concept.id for concept in named}
    if not meant and asked.pictures:
        meant = shown
    elif not meant and _POINTS_BACK.search(asked.text):
        meant = {concept.id for concept in focus_of(before, shows, concepts)}
    about_person = bool(notes) and not named and _OF_THE_PERSON.search(asked.text) is not None
    if about_person:
        meant = set()
    sources: dict[str, QuotedFact] = {}
    cards = [_card(concept, concept.id in meant, sources) for concept in concepts]
    if about_person:
        cards.append(_notes_card(notes, sources))
    at = {concept.id: index for index, concept in enumerate(concepts)}
    spots = tuple(_spot(one, shows[picture_id or ""], at) for one in found)
    turns = tuple((one.role.value, one.text) for one in before[-TURNS_MAX:] if one.text)
    task = AssistantTask(question=asked.text, cards=tuple(cards), spots=spots, turns=turns)
    return Retrieved(task=task, picture_id=picture_id, found=tuple(found), sources=sources)


def focus_of(
    messages: Sequence[Message], shows: Mapping[str, Recognition], concepts: Sequence[Concept]
) -> tuple[Concept, ...]:
    """Return what was talked about last: the things of the last message that names some or shows a picture.

    None where that picture shows nothing known: then it is the stranger in it that is talked about.
    """
    by_id = {concept.id: concept for concept in concepts}
    for message in reversed(messages):
        ids: dict[str, None] = {}
        if message.role is Role.USER:
            ids = dict.fromkeys(concept.id for concept in named_in(message.text, concepts))
            if not ids:
                ids = dict.fromkeys(
                    one.concept_id
                    for picture in message.pictures
                    if picture.id in shows
                    for one in shows[picture.id].found
                    if one.concept_id is not None
                )
        else:
            ids = dict.fromkeys(fact.concept_id for fact in message.facts if fact.concept_id is not None)
        known = tuple(by_id[concept_id] for concept_id in ids if concept_id in by_id)
        if known or message.pictures:
            return known
    return ()


def message_of(reply: AssistantReply, asked: Message, found: Retrieved, message_id: str) -> Message:
    """Return the message of a reply, with its sources."""
    places = tuple(
        ShownPlace(
            picture_id=found.picture_id or "",
            region=one.region,
            concept_id=one.concept_id,
            concept=one.concept,
            score=one.score,
        )
        for one in (found.found[at] for at in reply.spots)
    )
    return Message(
        id=message_id,
        conversation_id=asked.conversation_id,
        role=Role.ASSISTANT,
        text=reply.text,
        created_at=datetime.now(UTC),
        origin=reply.origin,
        places=places,
        facts=tuple(found.sources[fact_id] for fact_id in reply.facts if fact_id in found.sources),
        proposals=found.proposals,
        draw=reply.draw,
    )


def _picture_meant(
    asked: Message, before: Sequence[Message], named: Sequence[Concept], shows: Mapping[str, Recognition]
) -> str | None:
    """Return the picture that a question is about.

    Its own; else the one it counts out (“the first photo”); else the last that shows a thing it names; else the last.
    """
    own = [picture.id for picture in asked.pictures if picture.id in shows]
    if own:
        return own[-1]
    earlier = [picture.id for message in before for picture in message.pictures if picture.id in shows]
    if not earlier:
        return None
    counted = _PICTURE.search(asked.text)
    if counted is not None:
        return earlier[min(_ORDINALS.get(counted[1].casefold(), len(earlier) - 1), len(earlier) - 1)]
    wanted = {concept.id for concept in named}
    showing = [one for one in earlier if wanted & {place.concept_id for place in shows[one].found}]
    return (showing or earlier)[-1]


def _card(concept: Concept, meant: bool, sources: dict[str, QuotedFact]) -> AssistantCard:
    facts = []
    for position, fact in enumerate(concept.facts):
        fact_id = f"{concept.id}/{position}"
        sources[fact_id] = QuotedFact(
            concept_id=concept.id, concept=concept.name, text=fact.text, since=fact.added_at.isoformat()
        )
        facts.append((fact_id, fact.text))
    name, *also = names_of(concept)
    return AssistantCard(name=name, also=tuple(also), kind=concept.kind, facts=tuple(facts), meant=meant)


def _notes_card(notes: Sequence[Note], sources: dict[str, QuotedFact]) -> AssistantCard:
    facts = []
    for note in notes:
        fact_id = f"{_NOTES_ID}/{note.id}"
        sources[fact_id] = QuotedFact(concept_id=None, concept="you", text=note.text, since=note.added_at.isoformat())
        facts.append((fact_id, note.text))
    return AssistantCard(name="You", also=("I", "me", "my"), facts=tuple(facts), meant=True)


def _spot(one: Found, recognition: Recognition, at: Mapping[str, int]) -> AssistantSpot:
    left, top, right, bottom = one.box
    box = (left / recognition.width, top / recognition.height, right / recognition.width, bottom / recognition.height)
    card = None if one.concept_id is None else at.get(one.concept_id)
    return AssistantSpot(box=box, card=card, sureness=one.certainty.value)
