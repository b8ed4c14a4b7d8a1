from __future__ import annotations

import random

from pipelines.assistant.prompting import build_prompt
from pipelines.assistant.vlm.depicted import Depicted
from pipelines.assistant.vlm.samples import NO_PLACE, UNKNOWN, Scene, description, lesson
from pipelines.mini.scene import article
from tests.pipelines.assistant.briefings import BO
from tests.pipelines.assistant.vlm.tiny_vlm import LESSONS, PICTURES

FOX = Depicted(row=0, kind="fox", colours=("red", "white"), wearing="crown", company="cat", place="in space")


def lessons(**changes: float) -> list:
    rng, config = random.Random(0), LESSONS.model_copy(update=changes)
    return [lesson(PICTURES, rng, config) for _ in range(300)]


def test_noise_concepts_are_never_named_and_strangers_get_no_name() -> None:
    drawn = lessons(unseen=0.0)
    strangers = 0
    for one in drawn:
        at = one.briefing.spots[0].card
        strangers += at is None
        wrong = [card.name for number, card in enumerate(one.briefing.cards) if number != at]
        right = None if at is None else one.briefing.cards[at].name
        said = " ".join(exchange.answer for exchange in one.exchanges)
        assert not any(f"{name}" in said.split() for name in wrong if name != right)
        if at is not None:
            assert one.briefing.cards[at].kind == PICTURES[one.row].kind
    assert 0.3 < strangers / 300 < 0.5
    assert {len(one.briefing.cards) for one in drawn} >= {0, 1, 2, 3}


def test_without_noise_concepts_no_card_is_of_something_else() -> None:
    assert {len(one.briefing.cards) for one in lessons(noise=0.0, unseen=0.0)} == {0, 1}


def test_facts_are_cited_by_the_number_they_have_in_the_prompt() -> None:
    cited, unknown = 0, 0
    for one in lessons():
        for briefing, exchange in zip(one.briefings(), one.exchanges, strict=True):
            unknown += exchange.answer == UNKNOWN
            if "[F" not in exchange.answer:
                continue
            cited += 1
            fact_id, _ = build_prompt(briefing, sees=True).facts[exchange.answer[1:-1]]
            of_whom = [card for card in briefing.cards if card.name in exchange.question]
            assert any(fact_id in {fact.id for fact in card.facts} for card in of_whom)
    assert cited > 30 and unknown > 30


def test_answers_follow_the_picture() -> None:
    asked = [(one, exchange) for one in lessons(unseen=0.0) for exchange in one.exchanges]
    for one, exchange in asked:
        shown = PICTURES[one.row]
        if exchange.question.startswith(("What colour", "What color")):
            assert exchange.answer == ("Red and blue." if len(shown.colours) == 2 else "Red.")
        if "wear" in exchange.question:
            assert exchange.answer == ("A crown." if shown.wearing else "Nothing.")
        if exchange.question.startswith("What place"):
            assert exchange.answer == ("At the beach." if shown.place else NO_PLACE)
        if exchange.question.startswith("Is there"):
            things = (f"{article(thing)} in" for thing in (shown.kind, shown.wearing, shown.company) if thing)
            there = any(f"there {thing}" in exchange.question for thing in things)
            assert exchange.answer == ("Yes." if there else "No.")


def test_a_description_tells_all_that_is_shown() -> None:
    stranger = Scene(shown=FOX, cards=(), at=None, kinds=())
    assert description(stranger) == "A red and white fox wearing a crown next to a cat in space."
    known = Scene(shown=FOX, cards=(BO,), at=0, kinds=())
    assert description(known) == "Bo, a red and white fox, wearing a crown next to a cat in space."
    three = Scene(shown=Depicted(row=0, kind="owl", count=3), cards=(), at=None, kinds=())
    assert description(three) == "Three owls."


def test_lessons_without_a_picture_ask_for_facts_alone() -> None:
    unseen = lessons(unseen=1.0, strangers=0.0)
    assert all(one.row is None and one.briefing.picture is None and len(one.exchanges) == 3 for one in unseen)
