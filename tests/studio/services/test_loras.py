from __future__ import annotations

from collections.abc import Callable

import pytest
from safetensors.numpy import load

from studio.domain.concepts import AddConceptRequest, Concept
from studio.engines.fake import FakeSubjectEngine
from studio.errors import NotFound, UnknownConcept
from studio.studio import Studio

PATIENCE = 20.0


@pytest.fixture
def bo(studio: Studio, photo: Callable[..., bytes]) -> Concept:
    request = AddConceptRequest(name="Böse Bo", photos=(photo(),), kind="dog")
    return studio.concepts.add(request).result(PATIENCE)


def engine_of(studio: Studio) -> FakeSubjectEngine:
    engine = studio.concepts._personalizer._engine.engine()  # type: ignore[attr-defined]
    assert isinstance(engine, FakeSubjectEngine)
    return engine


@pytest.mark.parametrize(("layout", "key"), [("kohya", "lora_unet_mid_block"), ("diffusers", "unet.mid_block")])
def test_the_file_holds_the_stored_lora_and_not_the_name(studio: Studio, bo: Concept, layout, key: str) -> None:
    predicted = len(engine_of(studio).requests)
    studio.loras.prepare("@böse-bo").result(PATIENCE)
    file = studio.loras.file(bo.id, layout)
    assert len(engine_of(studio).requests) == predicted
    assert file.name == f"bse-bo-{layout}.safetensors"
    assert all(name.startswith(key) for name in load(file.data))
    assert b"Personal LoRA: dog" in file.data
    assert "öse".encode() not in file.data and b"ose bo" not in file.data.lower()
    assert studio.loras.file("Böse Bo", layout) == file


def test_an_outdated_lora_is_predicted_first(studio: Studio, bo: Concept) -> None:
    before = studio.loras.file(bo.id, "kohya")
    engine_of(studio)._model = "fake-2"
    studio.loras.prepare(bo.id).result(PATIENCE)
    assert studio.loras.file(bo.id, "kohya").data != before.data


def test_somebody_elses_lora_is_not_there(studio: Studio, bo: Concept) -> None:
    for ask in (lambda: studio.loras.prepare(bo.id, owner="anna"), lambda: studio.loras.file(bo.id, "kohya", "anna")):
        with pytest.raises(UnknownConcept):
            ask()


def test_a_concept_without_a_lora_gets_a_sentence(studio: Studio, bo: Concept) -> None:
    with studio.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE concepts SET adapter = NULL")
    with pytest.raises(NotFound, match="has no LoRA yet"):
        studio.loras.file(bo.id, "kohya")
