from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest, Concept, FactSource
from studio.domain.conversations import Ending, Message, Role, Standing
from studio.engines.fake import FakeAssistantEngine
from studio.errors import InvalidInput, InvalidPhoto, JobCancelled, NotFound
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


@pytest.fixture
def engine(studio: Studio) -> FakeAssistantEngine:
    made = studio.assistant._engine.engine()  # type: ignore[attr-defined]
    assert isinstance(made, FakeAssistantEngine)
    return made


@pytest.fixture
def bo(studio: Studio, photo: Photos) -> Concept:
    request = AddConceptRequest(name="Bo", photos=(photo(1),), kind="dog", facts=("afraid of balloons",))
    return studio.concepts.add(request).result(PATIENCE)


def ask(studio: Studio, question: str, *photos: bytes, chat: str | None = None, owner: str = "local") -> Message:
    return studio.assistant.ask(question, photos, conversation_id=chat, owner=owner).result(PATIENCE)


def beside(*photos: bytes) -> bytes:
    parts = [Image.open(io.BytesIO(one)).convert("RGB") for one in photos]
    whole = Image.new("RGB", (sum(part.width for part in parts), parts[0].height))
    for number, part in enumerate(parts):
        whole.paste(part, (number * parts[0].width, 0))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return buffer.getvalue()


class TestRetrieval:
    def test_a_picture_is_recognised_and_the_answer_says_what_it_rests_on(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        answer = ask(studio, "Who is this?", beside(photo(1), photo(8)))
        (task,) = engine.tasks
        assert [spot.card for spot in task.spots] == [0, None] and task.picture is not None
        assert task.cards[0].meant and task.cards[0].facts[0][1] == "afraid of balloons"
        assert [(one.concept, one.region) for one in answer.places] == [("Bo", 0)]
        (fact,) = answer.facts
        assert (fact.concept, fact.text) == ("Bo", "afraid of balloons")
        assert fact.since == bo.facts[0].added_at.isoformat()

    def test_pictures_of_earlier_turns_count_and_what_is_learned_meanwhile_too(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        first = ask(studio, "Who is this?", photo(5))
        assert first.places == ()
        studio.concepts.add(AddConceptRequest(name="Ana", photos=(photo(5),))).result(PATIENCE)
        chat = first.conversation_id
        again = ask(studio, "And now?", chat=chat)
        assert [one.concept for one in again.places] == ["Ana"]
        ask(studio, "Look here", photo(1), chat=chat)
        ask(studio, "Who was in the first picture?", chat=chat)
        assert [spot.card for spot in engine.tasks[-1].spots] == [1]
        ask(studio, "Is Bo in any picture?", chat=chat)
        assert [spot.card for spot in engine.tasks[-1].spots] == [0]
        assert len(engine.tasks[-1].turns) == 8

    def test_after_a_picture_of_a_stranger_a_pronoun_does_not_mean_what_was_talked_about_before(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        chat = ask(studio, "What is Bo afraid of?").conversation_id
        ask(studio, "Who is this?", photo(5), chat=chat)
        ask(studio, "And what is it afraid of?", chat=chat)
        assert not any(card.meant for card in engine.tasks[-1].cards)

    def test_names_are_found_in_every_form_and_pronouns_mean_what_was_talked_about(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        studio.concepts.add(AddConceptRequest(name="Ana's mug", photos=(photo(2),))).result(PATIENCE)

        def meant() -> list[str]:
            return [card.name for card in engine.tasks[-1].cards if card.meant]

        chat = ask(studio, "What do @bo and ANA'S MUG have in common?").conversation_id
        assert meant() == ["Bo", "Ana's mug"]
        ask(studio, "Where is @ana-s-mug?", chat=chat)
        assert meant() == ["Ana's mug"]
        ask(studio, "Is it heavy?", chat=chat)
        assert meant() == ["Ana's mug"]
        ask(studio, "Who likes a bonfire?", chat=chat)
        assert meant() == []

    def test_corrections_count_at_the_next_question(self, studio: Studio, bo: Concept, photo: Photos) -> None:
        answer = ask(studio, "Who is this?", photo(1, format="PNG"))
        (place,) = answer.places
        messages = studio.assistant.messages(answer.conversation_id)
        studio.assistant.refuse(place.picture_id, place.region)
        assert studio.assistant.recognised(messages)[place.picture_id].concepts == ()
        assert ask(studio, "And now?", chat=answer.conversation_id).places == ()
        studio.assistant.confirm(place.picture_id, place.region, "Bo")
        assert studio.assistant.recognised(messages)[place.picture_id].concepts == ("Bo",)
        with pytest.raises(NotFound):
            studio.assistant.refuse("nothing", 0)

    def test_things_of_others_are_never_there(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        answer = ask(studio, "Who is Bo?", photo(1), owner="another")
        assert engine.tasks[-1].cards == () and answer.places == ()
        with pytest.raises(NotFound):
            studio.assistant.messages(answer.conversation_id)
        with pytest.raises(NotFound):
            ask(studio, "Hello?", chat=answer.conversation_id)
        assert studio.assistant.conversations() == []


class TestMemory:
    def test_what_is_said_is_proposed_and_stored_by_a_click_only(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept
    ) -> None:
        answer = ask(studio, "Remember that Bo sleeps on the sofa.")
        (proposal,) = answer.proposals
        assert (proposal.concept, proposal.text) == ("Bo", "sleeps on the sofa") and not engine.tasks
        assert answer.text == "Shall I remember that about Bo?"
        assert [fact.text for fact in studio.concepts.get("bo").facts] == ["afraid of balloons"]
        studio.assistant.remember(answer.id, 0)
        studio.assistant.remember(answer.id, 0)
        assert [fact.text for fact in studio.concepts.get("bo").facts] == ["afraid of balloons", "sleeps on the sofa"]
        (kept,) = studio.assistant.messages(answer.conversation_id)[-1].proposals
        assert kept.standing is Standing.KEPT
        assert "remembered: sleeps on the sofa" in studio.assistant.conversation(answer.conversation_id).summary
        assert ask(studio, "Bo sleeps on the sofa", chat=answer.conversation_id).proposals == ()

    def test_a_declined_proposal_is_not_stored(self, studio: Studio, bo: Concept) -> None:
        answer = ask(studio, "Bo belongs to Ana")
        assert studio.assistant.decline(answer.id, 0).standing is Standing.DECLINED
        assert len(studio.concepts.get("bo").facts) == 1
        with pytest.raises(NotFound, match="not there"):
            studio.assistant.remember(answer.id, 3)

    def test_notes_about_the_person_answer_questions_about_them_and_can_be_forgotten(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept
    ) -> None:
        answer = ask(studio, "My favourite colour is green")
        studio.assistant.remember(answer.id, 0)
        (note,) = studio.assistant.notes()
        assert (note.text, note.said_in) == ("My favourite colour is green", "My favourite colour is green")
        told = ask(studio, "What is my favourite colour?")
        assert [fact.text for fact in told.facts] == ["My favourite colour is green"]
        ask(studio, "What does Bo like?")
        assert [card.name for card in engine.tasks[-1].cards] == ["Bo"]
        assert studio.assistant.notes(owner="another") == []
        studio.assistant.forget_note(note.id)
        assert studio.assistant.notes() == []

    def test_conversations_outlive_the_studio_and_are_searched(
        self, studio: Studio, fake_config: StudioConfig, bo: Concept, photo: Photos
    ) -> None:
        first = ask(studio, "Who is this?", photo(1))
        ask(studio, "What about ZEBRAS, 100%?")
        later = build_studio(fake_config)
        try:
            newest, oldest = later.assistant.conversations()
            assert (newest.title, oldest.title) == ("What about ZEBRAS, 100%?", "Who is this?")
            assert oldest.summary == "Bo · 1 picture"
            assert [one.id for one in later.assistant.conversations("zebras 100%")] == [newest.id]
            assert later.assistant.conversations("zebras 1000") == []
            messages = later.assistant.messages(first.conversation_id)
            assert messages[-1] == first
            assert later.assistant.recognised(messages)[messages[0].pictures[0].id].concepts == ("Bo",)
        finally:
            later.close()

    def test_a_deleted_conversation_leaves_nothing_behind(self, studio: Studio, photo: Photos) -> None:
        answer = ask(studio, "Who is this?", photo(1))
        studio.assistant.delete(answer.conversation_id)
        assert [path for path in Path(studio.config.files).rglob("*") if path.is_file()] == []
        with studio.database.engine.connect() as connection:
            for table in ("conversations", "messages", "chat_pictures"):
                assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
        with pytest.raises(NotFound):
            studio.assistant.delete(answer.conversation_id)

    def test_what_is_forgotten_is_not_spoken_of_any_more(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept, photo: Photos
    ) -> None:
        studio.concepts.edit(bo.id, aliases=("Bobby",))
        answer = ask(studio, "Is this Bobby?", photo(1))
        assert engine.tasks[-1].cards[0].meant and "Bobby" in engine.tasks[-1].cards[0].also
        told = ask(studio, "Bobby is small", chat=answer.conversation_id)
        studio.assistant.remember(told.id, 0)
        assert studio.concepts.get("bo").facts[-1].source is FactSource.CHAT
        receipt = studio.concepts.forget(bo.id)
        assert receipt.complete and "messages that speak of it" in [one.what for one in receipt.erased]
        messages = studio.assistant.messages(answer.conversation_id)
        assert {one.text for one in messages} == {"(forgotten)"} and messages[0].pictures
        assert studio.assistant.conversation(answer.conversation_id).title == "(forgotten)"
        assert studio.assistant.conversations("bobby") == []


class TestTrouble:
    @pytest.mark.parametrize(
        ("question", "photos", "says"),
        [
            ("", 0, "is empty"),
            ("  \n ", 0, "is empty"),
            ("x" * 10_000, 0, "10000 characters"),
            ("a\0", 0, "no text"),
            ("", 5, "at most 4"),
        ],
    )
    def test_what_cannot_be_answered_is_refused_and_not_kept(
        self, studio: Studio, photo: Photos, question: str, photos: int, says: str
    ) -> None:
        with pytest.raises(InvalidInput, match=says):
            studio.assistant.ask(question, [photo(seed) for seed in range(photos)])
        assert studio.assistant.conversations() == []

    def test_a_file_that_is_no_picture(self, studio: Studio) -> None:
        with pytest.raises(InvalidPhoto):
            studio.assistant.ask("Who is this?", [b"no picture"])
        assert studio.assistant.conversations() == []

    def test_an_engine_that_fails_says_why_and_the_chat_goes_on(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept
    ) -> None:
        engine._fails = "The chat server is not running."
        answer = ask(studio, "What is Bo afraid of?")
        assert (answer.text, answer.ending) == ("The chat server is not running.", Ending.FAILED)
        engine._fails = ""
        again = studio.assistant.again(answer.conversation_id).result(PATIENCE)
        assert again.ending is Ending.WHOLE and "“afraid of balloons”" in again.text
        assert [one.role for one in studio.assistant.messages(answer.conversation_id)] == [Role.USER, Role.ASSISTANT]

    def test_a_stopped_answer_keeps_what_was_said(
        self, studio: Studio, engine: FakeAssistantEngine, bo: Concept
    ) -> None:
        said, go_on = threading.Event(), threading.Event()
        answer = engine.answer

        def slowly(task, say):
            def say_and_wait(text: str) -> None:
                say(text)
                said.set()
                go_on.wait(PATIENCE)

            return answer(task, say_and_wait)

        engine.answer = slowly  # type: ignore[method-assign]
        job, chat = studio.assistant.begin("What is Bo afraid of?")
        assert said.wait(PATIENCE)
        job.cancel()
        go_on.set()
        with pytest.raises(JobCancelled):
            job.result(PATIENCE)
        last = studio.assistant.messages(chat)[-1]
        assert (last.ending, last.text) == (Ending.STOPPED, "“afraid of")

    def test_a_conversation_deleted_while_it_is_answered(self, studio: Studio, engine: FakeAssistantEngine) -> None:
        answer = engine.answer

        def delete_first(task, say):
            studio.assistant.delete(studio.assistant.conversations()[0].id)
            return answer(task, say)

        engine.answer = delete_first  # type: ignore[method-assign]
        with pytest.raises(NotFound, match="deleted before"):
            ask(studio, "Hello?")

    def test_nothing_to_answer_again(self, studio: Studio) -> None:
        with pytest.raises(NotFound):
            studio.assistant.again("nothing")
