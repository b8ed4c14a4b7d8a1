from __future__ import annotations

import numpy as np

from pipelines.assistant.facts import FactFinder, FactThresholds, bare, load_thresholds, sharing_words
from tests.pipelines.assistant.briefings import WordEncoder

BOUNDS = FactThresholds(answers=0.5, near=0.3)


def test_the_name_does_not_count_and_facts_are_encoded_once() -> None:
    encoder = WordEncoder()
    finder = FactFinder(encoder, BOUNDS)
    facts = ["afraid of balloons", "Bo likes carrots"]
    first = finder.relevance("What scares Bo?", facts, ["Bo"])
    assert np.argmax(first) == 0 and first[0] > 0.9 > first[1]
    assert encoder.texts == ["What scares it?", "it afraid of balloons", "it likes carrots"]
    finder.relevance("What does Bo eat?", facts, ["Bo"])
    assert encoder.texts[3:] == ["What does it eat?"]


def test_no_facts() -> None:
    assert FactFinder(WordEncoder(), BOUNDS).relevance("What?", [], []).shape == (0,)


def test_facts_become_sentences_about_it() -> None:
    assert bare("Bo is afraid", ["Bo"]) == "it is afraid"
    assert bare("born in May", ["Bo"]) == "it born in May"


def test_few_of_many_facts_are_compared_those_with_the_same_words_first() -> None:
    facts = [f"likes thing {number}" for number in range(400)] + ["afraid of balloons"]
    chosen = sharing_words("Who is afraid of a balloon?", facts, [])
    assert chosen[0] == 400 and len(chosen) == 256


def test_the_shipped_thresholds_are_in_order() -> None:
    bounds = load_thresholds()
    assert 0 < bounds.near < bounds.answers < 1
