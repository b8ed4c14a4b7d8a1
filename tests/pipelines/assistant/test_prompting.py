from __future__ import annotations

from pipelines.assistant.briefing import Turn
from pipelines.assistant.prompting import build_invention, build_prompt
from tests.pipelines.assistant.briefings import BO, briefing, spot


def test_cards_that_are_meant_or_shown_stand_before_the_question_with_numbered_facts() -> None:
    turns = (Turn(role="user", text="hello"), Turn(role="assistant", text="hi"))
    asked = briefing("What now?", BO, spots=[spot(1, "likely"), spot()], turns=turns)
    prompt = build_prompt(asked, sees=True)
    system, first, second, question = prompt.messages
    told = system["content"][0]["text"]
    assert "1. Name: Bo. Kind: dog. Facts: [F1] afraid of balloons; [F2] likes carrots." in told
    assert "2. Name: Ana's mug." in told and "Ana's mug (likely, box [0.00, 0.30, 0.30, 0.70])" in told
    assert "1 more, not known" in told
    assert [one["role"] for one in (first, second, question)] == ["user", "assistant", "user"]
    assert [part["type"] for part in question["content"]] == ["image", "text"]
    assert prompt.kinds == ("mug",)
    assert len(prompt.pictures) == 1 and prompt.facts["F3"] == ("m0", "belongs to Ana")


def test_cards_that_have_nothing_to_do_with_it_stay_out() -> None:
    prompt = build_prompt(briefing("What now?", BO), sees=True)
    assert "mug" not in prompt.messages[0]["content"][0]["text"] and prompt.pictures == ()


def test_a_blind_model_is_told_and_a_long_turn_is_cut() -> None:
    asked = briefing("x" * 9000, spots=[spot(0)])
    prompt = build_prompt(asked, sees=False)
    assert prompt.pictures == () and "Bo (sure" in prompt.messages[0]["content"][0]["text"]
    assert len(prompt.messages[-1]["content"][0]["text"]) < 2100


def test_inventions_know_the_facts_of_what_is_meant() -> None:
    prompt = build_invention(briefing("Write a card", BO))
    assert "Bo: likes carrots." in prompt.messages[-1]["content"][0]["text"]
    assert [fact_id for fact_id, _ in prompt.facts.values()] == ["b0", "b1"]
