from __future__ import annotations

import pytest

from pipelines.assistant.citations import Citations

FACTS = {"F1": ("b0", "afraid of balloons"), "F2": ("b1", "likes carrots")}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_numbers_become_the_facts_however_the_answer_is_cut(size: int) -> None:
    citations = Citations(FACTS)
    raw = "Bo is [F1], and [F2]. [F1] again."
    shown = [citations.add(raw[at : at + size]) for at in range(0, len(raw), size)]
    assert citations.text() == "Bo is “afraid of balloons”, and “likes carrots”. “afraid of balloons” again."
    assert citations.cited == ("b0", "b1")
    assert not any("[F" in text for text in shown)


def test_a_number_of_no_fact_is_left_out_and_other_brackets_stay() -> None:
    citations = Citations(FACTS)
    citations.add("See [F9] and [note")
    assert citations.text() == "See  and [note" and citations.cited == ()
