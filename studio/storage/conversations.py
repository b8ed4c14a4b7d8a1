"""Records of conversations, their messages and pictures, and of notes about the person."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from studio.domain.conversations import (
    ChatPicture,
    Conversation,
    Ending,
    Message,
    Note,
    Proposal,
    QuotedFact,
    Role,
    ShownPlace,
    Standing,
)
from studio.engines.base import PhotoPlaces
from studio.storage.models import ChatPictureRow, ConversationRow, MessageRow, NoteRow


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What a model saw in a picture: its places, and what some of them seem to be, by their number."""

    model: str
    places: PhotoPlaces
    kinds: dict[int, str]


class ConversationRepository:
    """Reads and writes conversations within a session; every query asks for the owner."""

    def __init__(self, session: Session, owner: str) -> None:
        self._session = session
        self._owner = owner

    def add(self, conversation: Conversation) -> None:
        """Store a new conversation."""
        self._session.add(
            ConversationRow(
                id=conversation.id,
                owner=self._owner,
                title=conversation.title,
                summary=conversation.summary,
                created_at=conversation.created_at,
                changed_at=conversation.changed_at,
            )
        )
        self._session.flush()

    def list(self, words: tuple[str, ...] = (), limit: int = 200) -> Sequence[Conversation]:
        """Return the conversations that hold all of `words` (lower case) in one message, the last changed first."""
        query = select(ConversationRow).where(ConversationRow.owner == self._owner)
        if words:
            said = exists().where(MessageRow.conversation_id == ConversationRow.id, MessageRow.owner == self._owner)
            for word in words:
                said = said.where(MessageRow.words.contains(word, autoescape=True))
            query = query.where(said)
        query = query.order_by(ConversationRow.changed_at.desc(), ConversationRow.id.desc()).limit(limit)
        return [_conversation(row) for row in self._session.scalars(query)]

    def find(self, conversation_id: str) -> Conversation | None:
        """Return a conversation by its id."""
        row = self._row(conversation_id)
        return None if row is None else _conversation(row)

    def touch(self, conversation_id: str, summary: str, at: datetime) -> None:
        """Write the summary and the moment of the last change."""
        row = self._row(conversation_id)
        if row is not None:
            row.summary, row.changed_at = summary, at
            self._session.flush()

    def delete(self, conversation_id: str) -> Sequence[str]:
        """Remove a conversation with all that was said; return the content keys of its pictures."""
        files = [picture.file for message in self.messages(conversation_id) for picture in message.pictures]
        self._session.execute(
            delete(ConversationRow).where(ConversationRow.owner == self._owner, ConversationRow.id == conversation_id)
        )
        return files

    def messages(self, conversation_id: str) -> Sequence[Message]:
        """Return what was said, in order."""
        query = select(MessageRow).where(MessageRow.owner == self._owner, MessageRow.conversation_id == conversation_id)
        return [_message(row) for row in self._session.scalars(query.order_by(MessageRow.id))]

    def message(self, message_id: str) -> Message | None:
        """Return one message."""
        row = self._message_row(message_id)
        return None if row is None else _message(row)

    def say(self, message: Message) -> None:
        """Store a new message with its pictures."""
        self._session.add(
            MessageRow(
                id=message.id,
                conversation_id=message.conversation_id,
                owner=self._owner,
                role=message.role.value,
                text=message.text,
                words=_words(message),
                ending=message.ending.value,
                content=_content(message),
                created_at=message.created_at,
                pictures=[
                    ChatPictureRow(id=one.id, owner=self._owner, file=one.file, width=one.width, height=one.height)
                    for one in message.pictures
                ],
            )
        )
        self._session.flush()

    def replace(self, message: Message) -> None:
        """Write changed contents of a message over its record; its pictures stay."""
        row = self._message_row(message.id)
        if row is not None:
            row.text, row.words, row.content = message.text, _words(message), _content(message)
            self._session.flush()

    def unsay(self, message_ids: Sequence[str]) -> None:
        """Remove messages."""
        self._session.execute(delete(MessageRow).where(MessageRow.owner == self._owner, MessageRow.id.in_(message_ids)))

    def picture(self, picture_id: str) -> ChatPicture | None:
        """Return one picture."""
        row = self._picture_row(picture_id)
        return None if row is None else _picture(row)

    def glances(self, picture_ids: Sequence[str], model: str) -> dict[str, Glance]:
        """Return what `model` saw in pictures, by their ids; those it has not looked at are left out."""
        query = select(ChatPictureRow).where(
            ChatPictureRow.owner == self._owner, ChatPictureRow.id.in_(picture_ids), ChatPictureRow.model == model
        )
        return {row.id: _glance(row) for row in self._session.scalars(query)}

    def keep_glance(self, picture_id: str, glance: Glance) -> None:
        """Store what a model saw in a picture; no effect where the picture is gone."""
        row = self._picture_row(picture_id)
        if row is not None:
            row.model = glance.model
            row.boxes = [list(box) for box in glance.places.boxes]
            row.kinds = {str(region): kind for region, kind in glance.kinds.items()}
            row.looks = b"".join(glance.places.looks)
            self._session.flush()

    def _row(self, conversation_id: str) -> ConversationRow | None:
        return self._session.scalar(
            select(ConversationRow).where(ConversationRow.owner == self._owner, ConversationRow.id == conversation_id)
        )

    def _message_row(self, message_id: str) -> MessageRow | None:
        return self._session.scalar(
            select(MessageRow).where(MessageRow.owner == self._owner, MessageRow.id == message_id)
        )

    def _picture_row(self, picture_id: str) -> ChatPictureRow | None:
        return self._session.scalar(
            select(ChatPictureRow).where(ChatPictureRow.owner == self._owner, ChatPictureRow.id == picture_id)
        )


class NoteRepository:
    """Reads and writes notes about the person."""

    def __init__(self, session: Session, owner: str) -> None:
        self._session = session
        self._owner = owner

    def all(self) -> Sequence[Note]:
        """Return the notes, the oldest first."""
        rows = self._session.scalars(select(NoteRow).where(NoteRow.owner == self._owner).order_by(NoteRow.id))
        return [Note(id=row.id, text=row.text, said_in=row.said_in, added_at=row.added_at) for row in rows]

    def add(self, note: Note) -> None:
        """Store a note."""
        self._session.add(
            NoteRow(id=note.id, owner=self._owner, text=note.text, said_in=note.said_in, added_at=note.added_at)
        )
        self._session.flush()

    def delete(self, note_id: str) -> None:
        """Remove a note."""
        self._session.execute(delete(NoteRow).where(NoteRow.id == note_id, NoteRow.owner == self._owner))


def _words(message: Message) -> str:
    names = (place.concept for place in message.places if place.concept)
    return " ".join([message.text, *names]).casefold()


def _content(message: Message) -> dict[str, Any]:
    return {
        "origin": message.origin,
        "draw": message.draw,
        "places": [dataclasses.asdict(one) for one in message.places],
        "facts": [dataclasses.asdict(one) for one in message.facts],
        "proposals": [dataclasses.asdict(one) for one in message.proposals],
    }


def _message(row: MessageRow) -> Message:
    content = row.content
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        role=Role(row.role),
        text=row.text,
        created_at=row.created_at,
        ending=Ending(row.ending),
        origin=content["origin"],
        pictures=tuple(_picture(picture) for picture in row.pictures),
        places=tuple(ShownPlace(**one) for one in content["places"]),
        facts=tuple(QuotedFact(**one) for one in content["facts"]),
        proposals=tuple(Proposal(**{**one, "standing": Standing(one["standing"])}) for one in content["proposals"]),
        draw=content["draw"],
    )


def _picture(row: ChatPictureRow) -> ChatPicture:
    return ChatPicture(id=row.id, message_id=row.message_id, file=row.file, width=row.width, height=row.height)


def _glance(row: ChatPictureRow) -> Glance:
    boxes = tuple(tuple(float(edge) for edge in box) for box in row.boxes or ())
    looks = bytes(row.looks or b"")
    size = len(looks) // len(boxes) if boxes else 0
    return Glance(
        model=row.model or "",
        places=PhotoPlaces(
            boxes=boxes,  # type: ignore[arg-type]
            looks=tuple(looks[at * size : (at + 1) * size] for at in range(len(boxes))),
        ),
        kinds={int(region): kind for region, kind in (row.kinds or {}).items()},
    )


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        title=row.title,
        summary=row.summary,
        created_at=row.created_at,
        changed_at=row.changed_at,
        owner=row.owner,
    )
