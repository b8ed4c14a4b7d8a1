from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.refining import Keep
from studio.engines.fake import FakeRefiningEngine
from studio.errors import InvalidInput, JobCancelled, NotFound, UnknownConcept
from studio.studio import Studio

PATIENCE = 20.0


@pytest.fixture
def bo(studio: Studio, photo: Callable[..., bytes]) -> Concept:
    request = AddConceptRequest(name="Bo", photos=(photo(1), photo(2)), kind="dog")
    return studio.concepts.add(request).result(PATIENCE)


def engine_of(studio: Studio) -> FakeRefiningEngine:
    engine = studio.refining._engine.engine()  # type: ignore[attr-defined]
    assert isinstance(engine, FakeRefiningEngine)
    return engine


def test_nothing_is_kept_before_somebody_says_so(studio: Studio, bo: Concept) -> None:
    job = studio.refining.start("@bo")
    found = job.result(PATIENCE)
    assert engine_of(studio).requests == [(2, "dog")]
    assert (found.concept_id, found.replaces, found.helps) == (bo.id, bo.adapter, True)
    assert found.gain == pytest.approx(0.05)
    assert studio.concepts.get("Bo") == bo
    assert studio.refining.undecided(bo.id) is job
    for strip in (found.before, found.after):
        with Image.open(io.BytesIO(strip)) as picture:
            assert (picture.format, picture.size) == ("WEBP", (512, 256))


def test_what_is_kept_is_drawn_with_from_then_on(studio: Studio, bo: Concept) -> None:
    job = studio.refining.start(bo.id)
    found = job.result(PATIENCE)
    kept = studio.refining.keep(job.id)
    assert kept == studio.concepts.get("Bo") and kept.adapter != bo.adapter
    assert kept.adapter and studio.files.get(kept.adapter) == found.adapter
    assert bo.adapter and not studio.files.exists(bo.adapter)
    assert studio.refining.undecided(bo.id) is None
    with pytest.raises(InvalidInput, match="Bo was changed while it was refined"):
        studio.refining.keep(job.id)  # a second time


def test_what_is_discarded_leaves_the_one_of_before(studio: Studio, bo: Concept) -> None:
    job = studio.refining.start("Bo")
    job.result(PATIENCE)
    studio.refining.discard(job.id)
    assert studio.concepts.get("Bo") == bo and studio.refining.undecided(bo.id) is None


def test_a_concept_that_changed_meanwhile_keeps_what_it_has(studio: Studio, bo: Concept) -> None:
    job = studio.refining.start("Bo")
    job.result(PATIENCE)
    studio.concepts.edit(bo.id, kind="cat")  # its LoRA is predicted again
    with pytest.raises(InvalidInput, match="Refine it once more"):
        studio.refining.keep(job.id)
    again = studio.refining.start("Bo")
    again.result(PATIENCE)
    studio.concepts.forget(bo.id)
    with pytest.raises(NotFound, match="forgotten"):
        studio.refining.keep(again.id)


def test_it_can_be_stopped(fake_config: StudioConfig, photo: Callable[..., bytes]) -> None:
    studio = build_studio(fake_config)
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    engine_of(studio)._step_seconds = 0.2
    job = studio.refining.start("Bo")
    job.cancel()
    with pytest.raises(JobCancelled):
        job.result(PATIENCE)
    with pytest.raises(NotFound, match="refined nothing"):
        studio.refining.keep(job.id)
    studio.close()


def test_somebody_elses_thing_is_not_there(studio: Studio, bo: Concept) -> None:
    with pytest.raises(UnknownConcept):
        studio.refining.start(bo.id, owner="anna")
    job = studio.refining.start(bo.id)
    job.result(PATIENCE)
    assert studio.refining.undecided(bo.id, owner="anna") is None
    for ask in (studio.refining.of, studio.refining.keep):
        with pytest.raises(NotFound):
            ask(job.id, "anna")


def test_a_model_without_personal_loras_has_nothing_to_refine(
    fake_config: StudioConfig, photo: Callable[..., bytes]
) -> None:
    image = fake_config.engines.image
    plain = image.model_copy(update={"options": {**image.options, "personal": False}})
    config = fake_config.model_copy(update={"engines": fake_config.engines.model_copy(update={"image": plain})})
    studio = build_studio(config)
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    with pytest.raises(InvalidInput, match="by their class word"):
        studio.refining.start("Bo")
    studio.close()


@pytest.mark.parametrize(("keep", "gain", "kept"), [(Keep.AUTO, 0.05, True), (Keep.AUTO, 0.0, False),
                                                    (Keep.ALWAYS, 0.0, True), (Keep.NEVER, 0.05, False)])  # fmt: skip
def test_by_default_only_a_gain_is_kept(studio: Studio, bo: Concept, keep: Keep, gain: float, kept: bool) -> None:
    engine_of(studio)._gain = gain
    assert studio.refining.start(bo.id).result(PATIENCE).is_kept(keep) is kept
