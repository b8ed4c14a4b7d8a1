"""Conversations about a person's things: what is known is looked up anew at every turn, and nothing said is lost."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from PIL import Image

from studio.domain.concepts import Concept
from studio.domain.conversations import (
    ChatPicture,
    Conversation,
    Ending,
    Message,
    Note,
    Proposal,
    Role,
    Standing,
    check_question,
    summary_of,
    title_of,
)
from studio.domain.identifiers import IdSource
from studio.domain.recognition import Recognition
from studio.domain.said import facts_said, is_wish
from studio.engines.base import AssistantEngine, AssistantReply, Report
from studio.errors import JobCancelled, NotFound, StudioError
from studio.services.chat_pictures import ChatPictures
from studio.services.concepts import ConceptService
from studio.services.jobs import Job, JobRunner, part
from studio.services.recognition import WORKING_EDGE
from studio.services.retrieval import Retrieved, focus_of, message_of, retrieve
from studio.storage.conversations import ConversationRepository, NoteRepository
from studio.storage.ingest import check_photo, decode_photo, encode_photo
from studio.storage.vault import Vault

_LOOKING = 0.5  # share of the work that looking at new pictures takes


class AssistantService:
    """Conversations of all owners; an owner only ever meets their own."""

    def __init__(
        self,
        *,
        vault: Vault,
        jobs: JobRunner,
        engine: AssistantEngine,
        pictures: ChatPictures,
        concepts: ConceptService,
        ids: IdSource,
    ) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._pictures = pictures
        self._concepts = concepts
        self._ids = ids

    def ask(
        self, question: str, photos: Sequence[bytes] = (), *, conversation_id: str | None = None, owner: str = "local"
    ) -> Job[Message]:
        """Say something, with pictures or without, and have it answered; see `begin`."""
        return self.begin(question, photos, conversation_id=conversation_id, owner=owner)[0]

    def begin(
        self, question: str, photos: Sequence[bytes] = (), *, conversation_id: str | None = None, owner: str = "local"
    ) -> tuple[Job[Message], str]:
        """Say something; the question is kept at once, the answer is a job, and the id says in which conversation.

        Args:
            question: at most 4,000 characters; may be empty where there is a picture.
            photos: at most 4, as uploaded; kept without metadata for as long as the conversation.
            conversation_id: where it is said; None begins a conversation.
            owner: whose it is.

        Raises:
            InvalidInput: nothing to answer, or too much.
            InvalidPhoto: a file is not a usable picture.
            NotFound: there is no such conversation.
        """
        clean = check_question(question, len(photos))
        for photo in photos:
            check_photo(photo)
        pictures = [_working(photo) for photo in photos]
        asked = self._keep_question(clean, pictures, conversation_id, owner)
        return self._start(asked, owner), asked.conversation_id

    def again(self, conversation_id: str, owner: str = "local") -> Job[Message]:
        """Answer the last question of a conversation once more; the answer that was there goes.

        Raises:
            NotFound: there is no such conversation, or nothing was asked in it.
        """
        asked = next((one for one in reversed(self.messages(conversation_id, owner)) if one.role is Role.USER), None)
        if asked is None:
            raise NotFound("Nothing was asked in this conversation yet.")
        return self._start(asked, owner)

    def conversations(self, text: str = "", owner: str = "local") -> Sequence[Conversation]:
        """Return the conversations, the last changed first; with `text` those in which all its words were said."""
        with self._vault.database.read() as session:
            return ConversationRepository(session, owner).list(tuple(text.casefold().split()))

    def conversation(self, conversation_id: str, owner: str = "local") -> Conversation:
        """Return a conversation; raises `NotFound` where there is none."""
        with self._vault.database.read() as session:
            found = ConversationRepository(session, owner).find(conversation_id)
        if found is None:
            raise NotFound("This conversation is not there (any more). Begin a new one.")
        return found

    def messages(self, conversation_id: str, owner: str = "local") -> list[Message]:
        """Return what was said in a conversation, in order; raises `NotFound` where there is none."""
        self.conversation(conversation_id, owner)
        with self._vault.database.read() as session:
            return list(ConversationRepository(session, owner).messages(conversation_id))

    def delete(self, conversation_id: str, owner: str = "local") -> None:
        """Remove a conversation, what was said in it and its pictures; what was remembered of it stays."""
        self.conversation(conversation_id, owner)
        with self._vault.database.write() as session:
            files = ConversationRepository(session, owner).delete(conversation_id)
        self._vault.sweep(files)

    def picture(self, picture_id: str, owner: str = "local") -> bytes:
        """Return a picture of a conversation as JPEG; raises `NotFound` where there is none."""
        with self._vault.database.read() as session:
            found = ConversationRepository(session, owner).picture(picture_id)
        if found is None:
            raise NotFound(f"There is no picture {picture_id[:40]!r} (any more).")
        return self._vault.files.get(found.file)

    def crop(self, picture_id: str, region: int, owner: str = "local") -> Image.Image:
        """Return a place of a picture; raises `NotFound` where there is none."""
        seen = self._pictures.seen_one(picture_id, owner)
        if not 0 <= region < len(seen.places.boxes):
            raise NotFound(f"The picture has no place {region}; it has {len(seen.places.boxes)}, counted from 0.")
        left, top, right, bottom = seen.places.boxes[region]
        photo = _opened(seen.photo)
        return photo.crop(
            (
                round(left * photo.width),
                round(top * photo.height),
                max(round(left * photo.width) + 1, round(right * photo.width)),
                max(round(top * photo.height) + 1, round(bottom * photo.height)),
            )
        )

    def recognised(self, messages: Sequence[Message], owner: str = "local") -> dict[str, Recognition]:
        """Say what each picture of `messages` shows by what is known at this moment; only those looked at before."""
        seen = self._pictures.seen(messages, owner)
        return dict(zip(seen, self._pictures.recognition.answer(list(seen.values()), owner), strict=True))

    def refuse(self, picture_id: str, region: int, owner: str = "local") -> None:
        """Remember that a place of a picture does not show what it was taken for; see `RecognitionService.refuse`."""
        self._pictures.recognition.refuse(self._pictures.seen_one(picture_id, owner), region, owner)

    def confirm(self, picture_id: str, region: int, concept: str, owner: str = "local") -> Concept:
        """Remember that a place of a picture shows a concept; see `RecognitionService.confirm`."""
        return self._pictures.recognition.confirm(self._pictures.seen_one(picture_id, owner), region, concept, owner)

    def remember(self, message_id: str, number: int, owner: str = "local") -> Proposal:
        """Store what was proposed: as a fact of its concept, or as a note about the person.

        Raises:
            NotFound: there is no such proposal, or its concept is gone.
            InvalidInput: the card has no room for another fact.
        """
        message, proposal = self._proposal(message_id, number, owner)
        if proposal.standing is Standing.KEPT:
            return proposal
        if proposal.concept_id is None:
            self._note(proposal.text, message, owner)
        else:
            known = self._concepts.get(proposal.concept_id, owner)
            facts = [fact.text for fact in known.facts]
            if proposal.text not in facts:
                self._concepts.edit(known.id, facts=[*facts, proposal.text], owner=owner)
        return self._settle(message, number, Standing.KEPT, owner)

    def decline(self, message_id: str, number: int, owner: str = "local") -> Proposal:
        """Do not store what was proposed, and ask no more."""
        message, _ = self._proposal(message_id, number, owner)
        return self._settle(message, number, Standing.DECLINED, owner)

    def notes(self, owner: str = "local") -> Sequence[Note]:
        """Return what is remembered about the person."""
        with self._vault.database.read() as session:
            return NoteRepository(session, owner).all()

    def forget_note(self, note_id: str, owner: str = "local") -> None:
        """Forget something about the person."""
        with self._vault.database.write() as session:
            NoteRepository(session, owner).delete(note_id)
        self._vault.database.checkpoint()

    def _start(self, asked: Message, owner: str) -> Job[Message]:
        return self._jobs.start("Answer", lambda report: self._answer(asked, owner, report), owner)

    def _keep_question(
        self, question: str, pictures: Sequence[Image.Image], conversation_id: str | None, owner: str
    ) -> Message:
        if conversation_id is not None:
            self.conversation(conversation_id, owner)
        encoded = [(picture.size, encode_photo(picture)) for picture in pictures]
        now = datetime.now(UTC)
        message_id = self._ids()
        with self._vault.storing() as act:
            there = ConversationRepository(act.session, owner)
            if conversation_id is None:
                conversation_id = self._ids()
                title = title_of(question)
                there.add(Conversation(id=conversation_id, title=title, summary="", created_at=now, changed_at=now))
            asked = Message(
                id=message_id,
                conversation_id=conversation_id,
                role=Role.USER,
                text=question,
                created_at=now,
                pictures=tuple(
                    ChatPicture(
                        id=self._ids(),
                        message_id=message_id,
                        file=act.put(data, ".jpg"),
                        width=size[0],
                        height=size[1],
                    )
                    for size, data in encoded
                ),
            )
            there.say(asked)
            self._summed_up(there, conversation_id)
        return asked

    def _answer(self, asked: Message, owner: str, report: Report) -> Message:
        so_far: list[str] = [""]

        def say(text: str) -> None:
            so_far[0] = text
            report(_LOOKING, text)

        before = self._before(asked, owner)
        try:
            self._pictures.look([*before, asked], owner, part(report, 0.0, _LOOKING))
            found = self._retrieved(asked, before, owner)
            reply = self._to_statement(asked, found) or self._engine.answer(found.task, say)
        except JobCancelled:
            # what was said so far stays; a stop before the first word leaves a note that there is no answer
            self._keep_answer(asked, _unfinished(asked, self._ids(), so_far[0], Ending.STOPPED), owner)
            raise
        except StudioError as error:
            return self._keep_answer(asked, _unfinished(asked, self._ids(), str(error), Ending.FAILED), owner)
        return self._keep_answer(asked, message_of(reply, asked, found, self._ids()), owner)

    def _to_statement(self, asked: Message, found: Retrieved) -> AssistantReply | None:
        """Answer what is no question but tells something; what it tells goes with the answer as proposals."""
        if not found.proposals:
            return None
        if is_wish(asked.text) or not asked.text.rstrip().endswith("?"):
            names = " and ".join(dict.fromkeys(one.concept for one in found.proposals))
            return AssistantReply(text=f"Shall I remember that about {names}?")
        return None

    def _retrieved(self, asked: Message, before: Sequence[Message], owner: str) -> Retrieved:
        messages = [*before, asked]
        concepts = self._concepts.list(owner)
        seen = self._pictures.seen(messages, owner)
        shows = dict(zip(seen, self._pictures.recognition.answer(list(seen.values()), owner), strict=True))
        notes = self.notes(owner)
        said = facts_said(asked.text, concepts, focus_of(before, shows, concepts))
        kept: set[tuple[str | None, str]] = {(one.id, fact.text) for one in concepts for fact in one.facts}
        kept |= {(None, note.text) for note in notes}
        proposals = tuple(
            Proposal(
                concept_id=one.concept.id if one.concept else None,
                concept=one.concept.name if one.concept else "you",
                text=one.text,
            )
            for one in said
            if (one.concept.id if one.concept else None, one.text) not in kept
        )
        found = retrieve(asked, before, concepts, shows, notes)
        kinds = self._pictures.kinds(list(seen), owner)
        picture = None
        if found.picture_id is not None:
            picture = _opened(self._vault.files.get(_file_of(messages, found.picture_id)))
        return found.with_evidence(picture, kinds, proposals)

    def _before(self, asked: Message, owner: str) -> list[Message]:
        return [one for one in self.messages(asked.conversation_id, owner) if one.id < asked.id]

    def _keep_answer(self, asked: Message, answer: Message, owner: str) -> Message:
        with self._vault.database.write() as session:
            there = ConversationRepository(session, owner)
            if there.find(asked.conversation_id) is None:  # it was deleted meanwhile
                raise NotFound("The conversation was deleted before it was answered.")
            later = [one.id for one in there.messages(asked.conversation_id) if one.id > asked.id]
            there.unsay([one for one in later if one != answer.id])
            there.say(answer)
            self._summed_up(there, asked.conversation_id)
        return answer

    def _summed_up(self, there: ConversationRepository, conversation_id: str) -> None:
        there.touch(conversation_id, summary_of(list(there.messages(conversation_id))), datetime.now(UTC))

    def _proposal(self, message_id: str, number: int, owner: str) -> tuple[Message, Proposal]:
        with self._vault.database.read() as session:
            message = ConversationRepository(session, owner).message(message_id)
        if message is None or not 0 <= number < len(message.proposals):
            raise NotFound("What was to be remembered is not there (any more). Say it once more.")
        return message, message.proposals[number]

    def _settle(self, message: Message, number: int, standing: Standing, owner: str) -> Proposal:
        settled = dataclasses.replace(message.proposals[number], standing=standing)
        proposals = (*message.proposals[:number], settled, *message.proposals[number + 1 :])
        with self._vault.database.write() as session:
            there = ConversationRepository(session, owner)
            there.replace(dataclasses.replace(message, proposals=proposals))
            self._summed_up(there, message.conversation_id)
        return settled

    def _note(self, text: str, message: Message, owner: str) -> None:
        said_in = self.conversation(message.conversation_id, owner).title
        with self._vault.database.write() as session:
            notes = NoteRepository(session, owner)
            if all(note.text != text for note in notes.all()):
                notes.add(Note(id=self._ids(), text=text, said_in=said_in, added_at=datetime.now(UTC)))


def _unfinished(asked: Message, message_id: str, text: str, ending: Ending) -> Message:
    return Message(
        id=message_id,
        conversation_id=asked.conversation_id,
        role=Role.ASSISTANT,
        text=text,
        created_at=datetime.now(UTC),
        ending=ending,
    )


def _file_of(messages: Sequence[Message], picture_id: str) -> str:
    return next(one.file for message in messages for one in message.pictures if one.id == picture_id)


def _working(photo: bytes) -> Image.Image:
    picture = decode_photo(photo)
    picture.thumbnail((WORKING_EDGE, WORKING_EDGE), Image.Resampling.LANCZOS)
    return picture


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")
