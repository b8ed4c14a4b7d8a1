from __future__ import annotations

import pytest
from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, Spot
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.samples import Exchange, Lesson
from tests.bench.bench_vlm import WAYS, Asked, Shown, answered, asked_about, by_rule, first_colour, mark, summary
from tests.pipelines.assistant.tiny_chat import text_model
from tests.pipelines.assistant.vlm.tiny_vlm import LESSONS, MODEL, PICTURES, WIDTH, MeanColours

SETTINGS = LESSONS.model_copy(update={"questions": 10, "unseen": 0.0})


def asked(card: int | None = None) -> Asked:
    briefing = Briefing(
        question="",
        cards=(Card(name="Bo", kind="dog"), Card(name="Rex", kind="cat")),
        spots=(Spot(box=(0.0, 0.0, 1.0, 1.0), card=card),),
        picture=Image.new("RGB", (1, 1)),
    )
    sight = MeanColours().see(Image.new("RGB", (4, 4)))
    return Asked(
        lesson=Lesson(row=0, briefing=briefing, exchanges=()), sight=sight, kinds=("fox",), colours=("red", "white")
    )


@pytest.mark.parametrize(
    ("sort", "right", "answer", "card", "marks"),
    [
        ("describe", "A red fox.", "A white fox.", None,
         {"describes a stranger: kind": 1, "describes: main colour": 1, "describes: invents a thing or a name": 0}),
        ("describe", "A red fox.", "Bo, a blue owl, wearing a crown.", None,
         {"describes a stranger: kind": 0, "describes: main colour": 0, "describes: invents a thing or a name": 1}),
        ("there", "No.", "Yes.", None, {"is this thing there: no": 0}),
        ("presence", "Yes.", "Yes.", 0, {"is this card there: yes": 1}),
        ("who", "I do not know this one. It looks like a fox.", "I do not know this one. It looks like an owl.", None,
         {"stranger: does not know": 1}),
        ("who", "I do not know this one.", "That is Rex.", None, {"stranger: does not know": 0}),
        ("who", "That is Bo.", "That is Bo.", 0, {"known: names it": 1}),
        ("fact", "[F2]", "[F1]", 0, {"fact: cited": 0}),
        ("fact", "I do not know that.", "I do not know that.", 0, {"fact: not on a card, does not know": 1}),
        ("colour", "Red.", "Crimson and white.", None, {"colour": 1}),
    ],
)  # fmt: skip
def test_answers_are_marked(sort: str, right: str, answer: str, card: int | None, marks: dict) -> None:
    exchange = Exchange(sort=sort, question="?", answer=right)
    assert mark(asked(card), exchange, answer).marks == marks


def test_marks_are_averaged() -> None:
    exchange = Exchange(sort="there", question="?", answer="No.")
    found = summary([mark(asked(), exchange, said) for said in ("No.", "No.", "Yes.", "No.")])
    assert found == {"is this thing there: no": {"share": 0.75, "of": 4}}
    assert first_colour("a golden dog") == "yellow" and first_colour("a dog") is None


def test_every_way_answers_every_question_about_the_picture_that_is_meant() -> None:
    language, tokenizer = text_model()
    model = SmallVlm.fresh(language, tokenizer, WIDTH, MODEL).eval()
    shown = [
        Shown(depicted=one, picture=Image.new("RGB", (8, 8), "red"), kinds=(one.kind,)) for one in PICTURES
    ]  # fmt: skip
    found = asked_about(shown, MeanColours(), SETTINGS, seed=0)
    assert [one.lesson.row for one in found] == [one.row for one in PICTURES]
    for way in WAYS:
        said = list(answered(model, tokenizer, found[0], way))
        assert [exchange for exchange, _ in said] == list(found[0].lesson.exchanges)
    told = dict(zip((one.sort for one, _ in by_rule(found[0])), (said for _, said in by_rule(found[0])), strict=True))
    assert told == {"describe": "Red fox.", "colour": "Red.", "kind": "Fox."}
