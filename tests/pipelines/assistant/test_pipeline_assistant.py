from __future__ import annotations

from collections.abc import Generator

import pytest

from pipelines.assistant.briefing import Answer, Origin
from pipelines.assistant.chat import ChatModel, in_thread
from pipelines.assistant.pipeline_assistant import AssistantPipeline, whole_sentences
from pipelines.assistant.prompting import Prompt
from tests.pipelines.assistant.briefings import BO, briefing, quoting, spot


class Parrot:
    """Says what it is told to, in pieces; remembers the prompts, and whether it was left alone."""

    name, sees = "parrot", True

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.prompts: list[Prompt] = []
        self.closed = False

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        self.prompts.append(prompt)
        try:
            yield from self.pieces
        finally:
            self.closed = True


def never() -> ChatModel:
    raise AssertionError("the chat model was loaded")


@pytest.mark.parametrize("question", ["Who is this?", "Is this Bo?", "What is Bo afraid of?", "Tell me about Bo", "hi"])
def test_what_can_be_quoted_needs_no_model(question: str) -> None:
    answer = AssistantPipeline(quoting(), never, general=True)(briefing(question, BO, spots=[spot(0)]), lambda _: None)
    assert answer.origin is Origin.QUOTED


@pytest.mark.parametrize("question", ["How old is Bo?", "Describe this picture", "What is the capital of France?"])
def test_a_small_model_is_never_asked_for_facts(question: str) -> None:
    answer = AssistantPipeline(quoting(), never)(briefing(question, BO, spots=[spot(0)]), lambda _: None)
    assert answer.origin is Origin.QUOTED


def test_a_general_model_words_the_rest_and_cites() -> None:
    parrot, heard = Parrot("It wears a hat. ", "It is [F", "1]."), []
    answer = AssistantPipeline(quoting(), lambda: parrot, general=True)(
        briefing("What is it wearing?", BO, spots=[spot(0)]), heard.append
    )
    assert answer.text == "It wears a hat. It is “afraid of balloons”."
    assert (answer.origin, answer.facts, answer.spots) == (Origin.WORDED, ("b0",), (0,))
    assert heard[0] == "It wears a hat." and heard[-1] == answer.text


def asked_to_look(question: str, *said: str, **more: object) -> tuple[Answer, Parrot, list[str]]:
    parrot, heard = Parrot(*said), []
    pipeline = AssistantPipeline(quoting(), None, looks=lambda: parrot)
    return pipeline(briefing(question, **more), heard.append), parrot, heard  # type: ignore[arg-type]


@pytest.mark.parametrize("question", ["Describe this picture", "What colour is it?", "What kind of thing is this?"])
def test_a_model_that_looks_is_asked_what_a_picture_looks_like(question: str) -> None:
    answer, parrot, heard = asked_to_look(question, "A brown ", "dog.", spots=[spot(kind="dog")])
    assert (answer.text, answer.origin, answer.spots) == ("A brown dog.", Origin.WORDED, (0,))
    assert heard == ["A brown", "A brown dog.", "A brown dog."] and len(parrot.prompts[0].pictures) == 1


@pytest.mark.parametrize("question", ["Who is this?", "What is it afraid of?", "What is the capital of France?"])
def test_a_model_that_looks_is_asked_nothing_else(question: str) -> None:
    answer, parrot, _ = asked_to_look(question, "Paris.", spots=[spot()])
    assert answer.origin is Origin.QUOTED and not parrot.prompts


def test_nobody_looks_where_a_card_says_it_or_what_is_meant_is_not_there() -> None:
    parrot = Parrot("Red.")
    pipeline = AssistantPipeline(quoting(), None, looks=lambda: parrot)
    told = pipeline(briefing("What kind of carrots is it?", BO, spots=[spot(0)]), lambda _: None)
    assert "“likes carrots”" in told.text and told.origin is Origin.QUOTED
    for elsewhere in (briefing("What colour is Bo?", BO, spots=[spot(1)]), briefing("What colour is Bo?", BO)):
        assert pipeline(elsewhere, lambda _: None).text.startswith("I don’t know that about Bo")
    assert not parrot.prompts


def test_recognition_says_what_a_description_would_hide_and_names_are_believed_from_it_alone() -> None:
    two, _, heard = asked_to_look("Describe this picture", "Bo, a dog.", spots=[spot(0), spot(left=0.6)])
    assert two.text == "That’s Bo. I don’t know the other thing. Bo, a dog." == heard[-1]
    strange, _, _ = asked_to_look("Describe this picture", "A dog.", spots=[spot(sureness="perhaps", kind="dog")])
    assert strange.text == "A dog."
    unsure, _, _ = asked_to_look("Describe this picture", "Bo, a dog.", spots=[spot(0, sureness="perhaps")])
    assert unsure.text == "That’s perhaps Bo. Bo, a dog."
    for said in ("Bo, a dog.", "A dog. [F1]", ""):
        made_up, _, _ = asked_to_look("Describe this picture", said, spots=[spot(kind="dog")])
        assert (made_up.text, made_up.origin) == ("I don’t know this one. It might be a dog.", Origin.QUOTED)


def test_what_a_description_adds_is_asked_about_and_left_out_where_it_is_denied() -> None:
    asked: list[str] = []

    class Doubtful(Parrot):
        def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
            question = prompt.messages[-1]["content"][-1]["text"]
            asked.append(question)
            yield {"Describe this picture": "A dog, wearing a crown, next to a cat."}.get(
                question, "Yes." if "cat" in question else "No."
            )

    pipeline, heard = AssistantPipeline(quoting(), None, looks=Doubtful), []
    answer = pipeline(briefing("Describe this picture", spots=[spot()]), heard.append)
    assert answer.text == heard[-1] == "A dog, next to a cat."
    assert asked[1:] == ["Is there a crown in this picture?", "Is there a cat in this picture?"]


def test_a_small_model_makes_texts_up_and_ends_with_a_sentence() -> None:
    parrot = Parrot("Dear Bo! ", "Eat well. And th")
    answer = AssistantPipeline(quoting(), lambda: parrot)(briefing("Write a card for Bo", BO), lambda _: None)
    assert (answer.text, answer.origin, answer.facts) == ("Dear Bo! Eat well.", Origin.INVENTED, ("b0", "b1"))
    assert (
        "needs a language model"
        in AssistantPipeline(quoting(), None)(briefing("Write a card", BO), lambda _: None).text
    )


def test_a_model_that_says_nothing_is_no_answer() -> None:
    answer = AssistantPipeline(quoting(), lambda: Parrot(""), general=True)(
        briefing("What is it wearing?", BO), lambda _: None
    )
    assert answer.text.startswith("I don’t know that about Bo")


def test_stopping_reaches_the_model() -> None:
    parrot = Parrot("one ", "two ", "three ")

    def stop(text: str) -> None:
        if "two" in text:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        AssistantPipeline(quoting(), lambda: parrot, general=True)(briefing("What is it wearing?", BO), stop)
    assert parrot.closed


def test_a_thread_gives_pieces_errors_and_heartbeats_and_is_stopped() -> None:
    import threading

    go, told = threading.Event(), []

    def work(say) -> None:
        say("a")
        go.wait(5)
        try:
            for _ in range(100):
                say("b")
        except BaseException as error:
            told.append(type(error).__name__)
            raise

    pieces = in_thread(work)
    assert next(pieces) == "a" and next(pieces) == ""
    pieces.close()
    go.set()
    for thread in threading.enumerate():
        if thread.name == "chat":
            thread.join(5)
    assert told == ["Stopped"]

    def fail(say) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(in_thread(fail))


def test_whole_sentences() -> None:
    assert whole_sentences("One. Two and") == "One."
    assert whole_sentences("no end at all") == "no end at all"


def test_an_option_is_chosen_by_what_the_card_says() -> None:
    choose = AssistantPipeline(quoting(), None)
    asked = "What is Bo afraid of?\nA. carrots\nB. balloons\nAnswer with one letter."
    answer = choose(briefing(asked, BO), lambda _: None)
    assert (answer.text, answer.facts) == ("B: balloons. Bo: “afraid of balloons”.", ("b0",))


def test_no_option_is_chosen_where_the_card_does_not_say() -> None:
    asked = "How old is Bo?\nA. likes carrots\nB. five"
    answer = AssistantPipeline(quoting(), None)(briefing(asked, BO), lambda _: None)
    assert answer.text.startswith("I don’t know")


def test_yes_or_no_is_answered_as_asked() -> None:
    ask = AssistantPipeline(quoting(), None)
    there, elsewhere = spot(0), spot(None)
    asked = "Is Bo in this picture? Answer with yes or no."
    assert ask(briefing(asked, BO, spots=[there]), lambda _: None).text == "Yes, that’s Bo."
    assert ask(briefing(asked, BO, spots=[elsewhere]), lambda _: None).text == "I don’t see Bo in this picture."


def test_a_stranger_in_the_picture_is_not_told_of_by_another_card() -> None:
    ask = AssistantPipeline(quoting(), None)
    answer = ask(briefing("What is it afraid of?", spots=[spot(None)]), lambda _: None)
    assert "don’t know the one" in answer.text and not answer.facts
    named = ask(briefing("Who is afraid of balloons?", spots=[spot(None)]), lambda _: None)
    assert named.facts == ("b0",)


def test_a_model_that_is_measured_is_asked_everything() -> None:
    parrot = Parrot("Yes.")
    ask = AssistantPipeline(quoting(), lambda: parrot, general=True, quotes=False)
    asked = "Is Bo in this picture? Answer with yes or no."
    assert ask(briefing(asked, BO, spots=[spot(0)]), lambda _: None).text == "Yes."
    assert parrot.prompts[0].messages[-1]["content"][-1]["text"] == asked
