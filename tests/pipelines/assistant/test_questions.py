from __future__ import annotations

import pytest

from pipelines.assistant.questions import Intent, intent_of, without_names

NAMES = ("Bo", "Ana's mug", "ana-s-mug")


@pytest.mark.parametrize(
    ("intent", "questions"),
    [
        (Intent.EMPTY, ["", "  ?", "\n"]),
        (Intent.GREETING, ["hi", "Hello there!"]),
        (Intent.THANKS, ["thanks!", "Great"]),
        (Intent.DRAW, ["draw Bo on a bike", "Can you paint @bo?", "make me a sticker of Bo"]),
        (Intent.WRITE, ["Write a birthday card for Bo", "tell me a story about Bo", "Give me a caption"]),
        (Intent.DESCRIBE, ["Describe this picture", "What is happening here?", "Give a caption of the image."]),
        (Intent.DESCRIBE, ["What is this and what colour is it?", "Who is it, and what kind of dog?"]),
        (Intent.LOOK, ["What colour is Bo?", "what colors does it have", "What kind of thing is it?",
                       "What breed of dog is this?"]),
        (Intent.WHO, ["Who is this?", "who’s that", "and who is that dog?", "What is in the picture?",
                      "Great, who is this?", "Do you recognise anyone?", "Which of them do you know?"]),
        (Intent.PRESENCE, ["Is this Bo?", "is Ana's mug here", "Do you see @ana-s-mug?", "Is Bo in any picture?"]),
        (Intent.WHERE, ["Where is Bo?", "where's Bo in the picture"]),
        (Intent.COUNT, ["How many dogs are there?"]),
        (Intent.ABOUT, ["Tell me about Bo", "Who is Bo?", "what do you know about @bo"]),
        (Intent.IS_THIS, ["Is this Rex?", "Is this waterproof?"]),
        (Intent.FACT, ["What is he afraid of?", "What is that made of?", "Who likes balloons?", "where is Bo kept?",
                       "What colour does Bo like?", "What kind of food is best for Bo?", "Is there a vet near Bo?"]),
    ],
)  # fmt: skip
def test_what_is_asked_for(intent: Intent, questions: list[str]) -> None:
    assert {question: intent_of(question, NAMES) for question in questions} == dict.fromkeys(questions, intent)


def test_names_are_taken_out_as_whole_words_and_the_longest_first() -> None:
    assert without_names("Is @bo near Ana's mug, or a boat?", NAMES, "it") == "Is it near it, or a boat?"
    assert without_names("anything", (), "it") == "anything"
