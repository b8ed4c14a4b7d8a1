"""Reads out of everything that is kept what happened to a person's things, and when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from studio.domain.concepts import Concept
from studio.domain.identifiers import made_at
from studio.domain.timeline import Happening, Moment, by_day
from studio.errors import NotFound
from studio.services.chat_memory import spoken_of
from studio.storage.concepts import ConceptRepository
from studio.storage.conversations import ConversationRepository, NoteRepository
from studio.storage.database import Database
from studio.storage.examples import ExampleRepository
from studio.storage.pictures import PictureRepository

_WITH_IT = 60.0  # seconds: photos whose records are as old as the concept came with it


class TimelineService:
    """Tells the times of concepts; nothing is recorded for it, so what is forgotten is not in it.

    Args:
        database: the records.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, concept_id: str, owner: str = "local") -> list[Moment]:
        """Return what happened to a concept, the latest first.

        Raises:
            NotFound: the owner has no such concept.
        """
        with self._database.read() as session:
            concept = ConceptRepository(session).by_id(concept_id, owner)
            if concept is None:
                raise NotFound(f"There is no concept {concept_id[:40]!r} (any more).")
            return by_day(_moments(session, concept, _Talks(session, owner, [concept])))

    def all(self, owner: str = "local") -> list[Moment]:
        """Return what happened to all concepts of `owner`, and what was noted about the person, the latest first."""
        with self._database.read() as session:
            concepts = ConceptRepository(session).all(owner)
            talks = _Talks(session, owner, concepts)
            notes = [
                Moment(at=note.added_at, happening=Happening.NOTED, text=note.text)
                for note in NoteRepository(session, owner).all()
            ]
            return by_day([*notes, *(one for concept in concepts for one in _moments(session, concept, talks))])


class _Talks:
    """The conversations of an owner, read once, and which of some concepts they speak of."""

    def __init__(self, session: Session, owner: str, concepts: Sequence[Concept]) -> None:
        self._about: dict[str, list[Moment]] = {concept.id: [] for concept in concepts}
        names = {concept.id: concept.name for concept in concepts}
        there = ConversationRepository(session, owner)
        for talk in there.list():
            begun: set[str] = set()
            for message in there.messages(talk.id):
                for known in (spoken_of(message, concepts) & names.keys()) - begun:
                    begun.add(known)
                    self._about[known].append(
                        Moment(
                            at=message.created_at,
                            happening=Happening.TALKED,
                            text=talk.title,
                            concept=names[known],
                            opens=talk.id,
                        )
                    )

    def about(self, concept: Concept) -> Sequence[Moment]:
        """Return the conversations that speak of a concept, each at the first time that it does."""
        return self._about[concept.id]


def _moments(session: Session, concept: Concept, talks: _Talks) -> list[Moment]:
    moments = [Moment(at=concept.created_at, happening=Happening.ADDED, concept=concept.name)]
    if concept.consent_at is not None:
        moments.append(Moment(at=concept.consent_at, happening=Happening.CONSENT, concept=concept.name))
    moments += [
        Moment(at=fact.added_at, happening=Happening.FACT, text=fact.text, concept=concept.name)
        for fact in concept.facts
    ]
    return [*moments, *_photos(concept), *_said(session, concept), *talks.about(concept), *_drawn(session, concept)]


def _photos(concept: Concept) -> Sequence[Moment]:
    """Return the photos that came after the concept was made."""
    times = [made_at(photo.id) for photo in concept.photos]
    return [
        Moment(at=at, happening=Happening.PHOTOS, concept=concept.name)
        for at in times
        if (at - concept.created_at).total_seconds() > _WITH_IT
    ]


def _said(session: Session, concept: Concept) -> Sequence[Moment]:
    return [
        Moment(
            at=made_at(example.id),
            happening=Happening.CONFIRMED if example.shows_it else Happening.REFUSED,
            concept=concept.name,
        )
        for example in ExampleRepository(session).of_concept(concept.id, concept.owner)
    ]


def _drawn(session: Session, concept: Concept) -> Sequence[Moment]:
    return [
        Moment(at=picture.created_at, happening=Happening.DRAWN, concept=concept.name, opens=picture.id)
        for picture in PictureRepository(session).of_concept(concept.id, concept.owner)
    ]
