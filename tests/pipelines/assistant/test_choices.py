from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipelines.assistant.choices import choice_of, chosen, without_manner
from pipelines.features.preprocessing import FloatArray

ASKED = "Question: What is Bo afraid of?\nOptions:\nA. thunder\n(B) balloons\nc) the sea\nAnswer with one letter."


def never(options: Sequence[str]) -> FloatArray:
    raise AssertionError("compared")


def test_question_and_options_are_read() -> None:
    found = choice_of(ASKED)
    assert found is not None
    assert (found.question, found.options) == ("What is Bo afraid of?", ("thunder", "balloons", "the sea"))
    assert found.labelled(1) == "B: balloons"


@pytest.mark.parametrize(
    "question", ["What is Bo afraid of?", "Who?\nA. Bo", "Buy for Bo:\nB. carrots\nC. a ball", "A. one\nB. two", ""]
)
def test_what_offers_no_choice(question: str) -> None:
    assert choice_of(question) is None


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("Is Bo in this picture? Answer with yes or no.", "Is Bo in this picture?"),
        ("Is Bo here? Please answer with a single word or phrase.", "Is Bo here?"),
        ("Does Bo answer to the word sit?", "Does Bo answer to the word sit?"),
        ("Answer with yes or no.", "Answer with yes or no."),
    ],
)
def test_how_to_answer_is_no_part_of_the_question(question: str, plain: str) -> None:
    assert without_manner(question) == plain


def test_the_longest_option_that_was_said_is_chosen() -> None:
    assert chosen(("Bo", "Bo Junior", "Rex"), "That’s Bo Junior.", (), never) == 1
    assert chosen(("on the left", "on the right"), "Bo is on the right, at the top.", (), never) == 1


def test_else_the_option_most_like_the_quoted_fact_or_none() -> None:
    assert chosen(("x", "y"), "Bo: “afraid of balloons”.", ("afraid of balloons",), lambda _: np.array([0.1, 0.9])) == 1
    assert chosen(("Bo", "none of them"), "I don’t know this one.", (), never) == 1
    assert chosen(("Bo", "Rex"), "I don’t know this one.", (), never) is None
