from __future__ import annotations

import pytest

from pipelines.assistant.briefing import Answer, Briefing
from pipelines.assistant.questions import Intent, intent_of
from tests.pipelines.assistant.briefings import BO, MUG, PICTURE, briefing, quoting, spot


def answered(asked: Briefing) -> Answer | None:
    return quoting().answer(asked, intent_of(asked.question, asked.names))


def text(asked: Briefing) -> str:
    answer = answered(asked)
    assert answer is not None
    return answer.text


class TestRecognition:
    def test_known_and_unknown_things_are_told_apart(self) -> None:
        asked = briefing("Who is this?", spots=[spot(0), spot(1, "likely"), spot(None, "not known", "cat")])
        answer = answered(asked)
        assert answer is not None and answer.spots == (0, 1, 2)
        assert answer.text == "That’s Bo and very likely Ana's mug. I don’t know the other thing. It might be a cat."

    def test_what_is_not_known_is_not_named(self) -> None:
        assert text(briefing("Who is this?", spots=[spot()])) == "I don’t know this one."
        two = text(briefing("Who is this?", spots=[spot(kind="owl"), spot(kind="dog")]))
        assert two == "I see 2 things and know none of them. The first might be an owl and the second might be a dog."
        assert "Nothing stands out" in text(briefing("Who is this?", picture=PICTURE))
        assert "no picture" in text(briefing("Who is this?"))

    def test_a_named_thing_is_looked_for(self) -> None:
        assert text(briefing("Is this Bo?", BO, spots=[spot(0)])) == "Yes, that’s Bo."
        assert text(briefing("Is this Bo?", BO, spots=[spot(0, "perhaps")])) == "Perhaps, that’s Bo."
        assert text(briefing("Is Ana's mug in this photo?", MUG, spots=[spot(0)])) == (
            "I don’t see Ana's mug in this picture."
        )

    def test_an_unknown_name_gets_what_is_there(self) -> None:
        assert text(briefing("Is this Rex?", spots=[spot(0)])) == "That’s Bo."

    def test_places_and_numbers(self) -> None:
        assert text(briefing("Where is Bo?", BO, spots=[spot(0, left=0.7)])) == "Bo is on the right."
        assert "know 1 of them" in text(briefing("How many things do you see?", spots=[spot(0), spot()]))

    def test_an_empty_question_with_a_picture_asks_who_it_is(self) -> None:
        assert text(briefing("", spots=[spot(0)])) == "That’s Bo."


class TestFacts:
    def test_a_fact_is_quoted_word_for_word_with_its_id(self) -> None:
        answer = answered(briefing("What does Bo like to eat?", BO))
        assert answer == Answer(text="Bo: “likes carrots”.", facts=("b1",))

    def test_each_thing_that_is_meant_may_answer(self) -> None:
        answer = answered(briefing("Which of them is afraid, and who belongs to Ana?", BO, MUG))
        assert answer is not None and set(answer.facts) == {"b0", "m0"}

    def test_a_question_that_names_nothing_is_asked_of_all_cards(self) -> None:
        assert text(briefing("Which one belongs to Ana?")) == "Ana's mug: “belongs to Ana”."

    @pytest.mark.parametrize("question", ["How old is Bo?", "Where was Bo born?", "Does Bo have a passport?"])
    def test_what_no_fact_answers_stays_unknown(self, question: str) -> None:
        asked = briefing(question, BO)
        assert answered(asked) is None
        told = quoting().unknown(asked)
        assert told.text.startswith("I don’t know that about Bo.") and "“afraid of balloons”" in told.text

    def test_everything_about_a_thing(self) -> None:
        assert text(briefing("Tell me about Bo", BO)) == (
            "Bo is a dog. I was told: “afraid of balloons” and “likes carrots”."
        )

    def test_without_anything_to_talk_about(self) -> None:
        assert "your things" in quoting().unknown(briefing("What is the capital of France?")).text
        assert "not asked anything" in text(briefing(""))


def test_drawing_hands_over_a_prompt_with_mentions() -> None:
    answer = answered(briefing("Can you draw Bo next to Ana's mug?", BO, MUG))
    assert answer is not None and answer.draw == "@bo next to @ana-s-mug"


def test_texts_and_scenes_are_left_to_a_model() -> None:
    assert answered(briefing("Write a card for Bo", BO)) is None
    assert quoting().answer(briefing("x", spots=[spot(0)]), Intent.DESCRIBE) is None
