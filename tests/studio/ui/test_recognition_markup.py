from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.domain.concepts import Concept
from studio.domain.recognition import Found, Recognition
from studio.ui.recognition_markup import said, scenes


def concept(name: str) -> Concept:
    return Concept(id=name.lower(), name=name, kind="", photos=(), facts=(), created_at=datetime.now(UTC))


def found(region: int, name: str | None, score: float = 0.95) -> Found:
    return Found(region=region, box=(10, 20, 60, 70), concept_id=name and name.lower(), concept=name, score=score)


def shown(*some: Found) -> Recognition:
    return Recognition(width=100, height=200, found=some)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (shown(), "Nothing stands out in this photo."),
        (shown(found(1, None)), "I don’t know this one."),
        (shown(found(1, None), found(2, None)), "I see 2 things and know none of them."),
        (shown(found(1, "Bo")), "That’s Bo."),
        (shown(found(1, "Bo"), found(2, "Mug"), found(3, None)), "That’s Bo and Mug, with 1 thing I don’t know."),
        (shown(found(1, "A"), found(2, "B"), found(3, "C")), "That’s A, B and C."),
    ],
)
def test_what_a_photo_shows_in_a_sentence(answer: Recognition, sentence: str) -> None:
    assert said(answer) == sentence


def test_every_place_has_its_box_its_words_and_its_corrections() -> None:
    page = scenes("job", [shown(found(2, "Bo"), found(4, None, 0.1))], [concept("Bo"), concept("Mug")])
    assert "left: 10.00%; top: 10.00%; width: 50.00%; height: 25.00%" in page
    assert "I am sure" in page and "I don’t know this one" in page
    assert 'data-do="not" data-id="job/0/2"' in page
    assert 'data-do="not" data-id="job/0/4"' not in page
    assert 'data-id="job/0/2/mug"' in page and 'data-id="job/0/2/bo"' not in page
    assert 'data-id="job/0/4/bo"' in page


def test_unsure_names_are_said_to_be_unsure_and_unknown_places_are_counted() -> None:
    page = scenes("job", [shown(found(1, "Bo", 0.55), found(2, None), found(3, None))], [concept("Bo")])
    assert "Perhaps" in page
    assert "<b>? 1</b>" in page and "<b>? 2</b>" in page


def test_names_are_shown_and_never_run() -> None:
    assert "<script>" not in scenes("job", [shown(found(1, "<script>"))], [concept("<script>")])
