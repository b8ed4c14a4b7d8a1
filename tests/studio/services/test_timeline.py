from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.generation import GenerateRequest
from studio.domain.timeline import Happening, Moment
from studio.errors import NotFound
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


@pytest.fixture
def bo(studio: Studio, photo: Photos) -> Concept:
    request = AddConceptRequest(name="Bo", kind="dog", photos=(photo(1), photo(2)), facts=("likes rain",))
    return studio.concepts.add(request).result(PATIENCE)


def kinds(moments: list[Moment]) -> dict[Happening, int]:
    return {moment.happening: moment.count for moment in moments}


def test_everything_that_happened_is_told_the_latest_first(studio: Studio, bo: Concept, photo: Photos) -> None:
    (seen,) = studio.recognition.look([photo(1, format="PNG")]).result(PATIENCE)
    studio.recognition.answer([seen])
    studio.recognition.refuse(seen, 0)
    studio.generation.start(GenerateRequest(prompt="@bo", seed=1, count=2)).result(PATIENCE)
    studio.assistant.ask("What does Bo like?").result(PATIENCE)
    told = studio.timeline.of(bo.id)
    assert kinds(told) == {
        Happening.TALKED: 1, Happening.DRAWN: 2, Happening.REFUSED: 1, Happening.FACT: 1, Happening.ADDED: 1,
    }  # fmt: skip
    assert [moment.at for moment in told] == sorted((moment.at for moment in told), reverse=True)
    assert all(datetime.now(UTC) - moment.at < timedelta(minutes=2) for moment in told)
    (talk,) = studio.assistant.conversations()
    assert told[0].opens == talk.id and told[0].text == talk.title


def test_photos_that_came_with_the_thing_are_not_told_again(studio: Studio, bo: Concept) -> None:
    assert Happening.PHOTOS not in kinds(studio.timeline.of(bo.id))


def test_notes_about_the_person_are_in_the_time_of_everything(studio: Studio, bo: Concept) -> None:
    answer = studio.assistant.ask("Remember that I live in Ghent.").result(PATIENCE)
    studio.assistant.remember(answer.id, 0)
    told = studio.timeline.all()
    assert told[0].happening is Happening.NOTED and "Ghent" in told[0].text
    assert Happening.ADDED in kinds(told)


def test_what_is_forgotten_is_not_told(studio: Studio, bo: Concept) -> None:
    studio.assistant.ask("What does Bo like?").result(PATIENCE)
    studio.concepts.forget(bo.id)
    assert studio.timeline.all() == []
    with pytest.raises(NotFound, match="There is no concept"):
        studio.timeline.of(bo.id)


def test_an_owner_meets_their_own(studio: Studio, bo: Concept) -> None:
    assert studio.timeline.all(owner="ana") == []
