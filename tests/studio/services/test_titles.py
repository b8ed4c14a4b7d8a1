from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pipelines.assistant.titles import load_lessons
from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest
from studio.domain.jobs import Status
from studio.domain.titles import TitleRequest
from studio.engines.base import AssistantEngine, TitleTask
from studio.engines.registry import LazyAssistantEngine
from studio.errors import InvalidInput, NotFound, NothingSuggested, StudioError, UnknownConcept
from studio.posters.templates import TEMPLATES
from studio.services.titles import TitleService
from studio.studio import Studio

PATIENCE = 60.0


def engine_of(studio: Studio) -> AssistantEngine:
    lazy = studio.titles._engine
    assert isinstance(lazy, LazyAssistantEngine)
    return lazy.engine()


def asked(studio: Studio) -> TitleTask:
    task: TitleTask = engine_of(studio).title_tasks[-1]  # type: ignore[attr-defined]
    return task


@pytest.fixture
def bo(studio: Studio, photo: Callable[..., bytes]) -> Studio:
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    return studio


def test_there_is_a_lesson_for_every_template() -> None:
    assert set(load_lessons()) == set(TEMPLATES)


def test_a_thing_is_enough(bo: Studio) -> None:
    titles = bo.titles.suggest(TitleRequest(template="Film", concept="bo", count=3, seed=7)).result(PATIENCE)
    assert len(set(titles)) == 3 and all("Bo" in title for title in titles)
    assert asked(bo) == TitleTask(template="film", name="Bo", kind="dog", count=3, seed=7)


def test_a_picture_tells_whom_it_shows(bo: Studio, photo: Callable[..., bytes]) -> None:
    bo.concepts.add(AddConceptRequest(name="Ana", photos=(photo(4),), kind="cat")).result(PATIENCE)
    drawn = {}
    for prompt in ("@bo in the snow", "@bo and @ana", "a red rocket in space, glossy style"):
        (drawn[prompt],) = bo.generation.start(GenerateRequest(prompt=prompt, seed=1)).result(PATIENCE)
    bo.titles.suggest(TitleRequest(template="quote", picture=drawn["@bo in the snow"].id)).result(PATIENCE)
    assert (asked(bo).name, asked(bo).kind) == ("Bo", "dog")
    bo.titles.suggest(TitleRequest(template="quote", picture=drawn["@bo and @ana"].id)).result(PATIENCE)
    assert (asked(bo).name, asked(bo).kind) == ("Bo and Ana", "")
    bo.titles.suggest(TitleRequest(template="quote", picture=drawn["a red rocket in space, glossy style"].id)).result(
        PATIENCE
    )
    assert (asked(bo).name, asked(bo).kind) == ("", "a red rocket")
    bo.concepts.forget(bo.concepts.get("Bo").id)
    bo.titles.suggest(TitleRequest(template="quote", picture=drawn["@bo in the snow"].id)).result(PATIENCE)
    assert (asked(bo).name, asked(bo).kind) == ("Bo", "")


def test_they_sound_as_the_taste_that_collects_or_as_another(bo: Studio) -> None:
    bo.tastes.create("Nik")
    bo.tastes.edit("Nik", {"warmth": -1.0})
    bo.tastes.create("Eva")
    bo.tastes.edit("Eva", {"brightness": 1.0})
    for taste, tones in ((None, ("fresh air",)), ("Eva", ("bright days",)), ("", ())):
        bo.titles.suggest(TitleRequest(template="film", concept="Bo", taste=taste)).result(PATIENCE)
        assert asked(bo).tones == tones


def test_what_is_not_there_is_told_before_anything_is_begun(bo: Studio) -> None:
    with pytest.raises(InvalidInput, match="no template 'brochure'"):
        bo.titles.suggest(TitleRequest(template="brochure", concept="Bo"))
    with pytest.raises(UnknownConcept):
        bo.titles.suggest(TitleRequest(template="film", concept="nobody"))
    with pytest.raises(NotFound):
        bo.titles.suggest(TitleRequest(template="film", picture="nothing"))
    with pytest.raises(NotFound):
        bo.titles.suggest(TitleRequest(template="film", concept="Bo", taste="nobody"))
    assert not bo.jobs.list()[1:]  # but for the learning of Bo


class Mumbling:
    """An engine whose language model says what no font can set, or nothing at all."""

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def titles(self, task: TitleTask, tell: Callable[[Sequence[str]], None]) -> tuple[str, ...]:
        tell(self._titles)
        return self._titles


@pytest.mark.parametrize(("said", "kept"), [(("猫", "Bo and the moon"), ("Bo and the moon",)), (("猫",), ()), ((), ())])
def test_a_model_that_says_nothing_of_use_is_told_and_nothing_put_in_its_place(
    said: tuple[str, ...], kept: tuple[str, ...], bo: Studio
) -> None:
    service = TitleService(
        jobs=bo.jobs, engine=Mumbling(*said), concepts=bo.concepts, gallery=bo.gallery, tastes=bo.tastes  # type: ignore[arg-type]
    )  # fmt: skip
    job = service.suggest(TitleRequest(template="film", concept="Bo"))
    if kept:
        assert job.result(PATIENCE) == kept
    else:
        with pytest.raises(NothingSuggested, match="said nothing that could stand on a poster"):
            job.result(PATIENCE)


def test_it_can_be_stopped_and_a_model_that_fails_is_told(
    fake_config: StudioConfig, photo: Callable[..., bytes]
) -> None:
    engines = fake_config.engines
    slow = engines.assistant.model_copy(update={"options": {"word_seconds": 0.2}})
    studio = build_studio(fake_config.model_copy(update={"engines": engines.model_copy(update={"assistant": slow})}))
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    job = studio.titles.suggest(TitleRequest(template="film", concept="Bo", count=5))
    job.cancel()
    assert job.wait(PATIENCE) and job.status is Status.CANCELLED
    engine_of(studio)._fails = "The chat server is not running."  # type: ignore[attr-defined]
    with pytest.raises(StudioError, match="is not running"):
        studio.titles.suggest(TitleRequest(template="film", concept="Bo")).result(PATIENCE)
    studio.close()
