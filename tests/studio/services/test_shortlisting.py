"""With a shortlist the answers are those without one; looks are as wide and as alike as those of the shipped model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines.recognition.calibration import load_calibration
from pipelines.recognition.looks import LookEncoder
from pipelines.recognition.matching import Matcher
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.recognition.regions import Box
from studio.domain.concepts import Concept, Photo
from studio.domain.identifiers import IdSource
from studio.domain.recognition import Example, Recognition
from studio.engines.base import PhotoPlaces
from studio.engines.recognition import LooksRecognitionEngine
from studio.services import shortlisting
from studio.services.jobs import JobRunner
from studio.services.recognition import RecognitionService, Seen
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.examples import ExampleRepository, LookRepository
from studio.storage.files import FileStore
from studio.storage.vault import Vault

WIDTH = RecognitionPipeline.dim
CONCEPTS = 120
BOXES = ((0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.4, 0.9), (0.5, 0.1, 0.9, 0.9))


class Looks:
    """Things of a few families, so that some are nearly as alike as photos of one thing are."""

    def __init__(self) -> None:
        self._numbers = np.random.default_rng(0)
        common = self._unit(1)
        families = common + 0.9 * self._unit(12)
        self.things = self._rows(families[np.arange(CONCEPTS + 20) % 12] + 0.9 * self._unit(CONCEPTS + 20))

    def of(self, thing: int, count: int) -> bytes:
        """Rows of length one; the cosine of two of one thing is about 0.7, of one family 0.5, of others 0.3."""
        rows: bytes = self._rows(self.things[thing] + 0.65 * self._unit(count)).astype(np.float16).tobytes()
        return rows

    def _unit(self, count: int) -> NDArray[np.float32]:
        return self._rows(self._numbers.standard_normal((count, WIDTH)).astype(np.float32))

    @staticmethod
    def _rows(rows: NDArray[Any]) -> NDArray[np.float32]:
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


class NoPlaces:
    """Stands where places are proposed; what was seen is given, so none are asked for."""

    def propose(self, photo: Image.Image, kinds: Sequence[str] = ()) -> list[Box]:
        raise AssertionError("nothing is looked at here")


@pytest.fixture(scope="module")
def looks() -> Looks:
    return Looks()


@pytest.fixture
def engine() -> LooksRecognitionEngine:
    """The real one; what was seen is compared, and nothing is looked at, so that it needs no networks."""
    made = LooksRecognitionEngine()
    encoder = LookEncoder(None, None)  # type: ignore[arg-type]
    matcher = Matcher(load_calibration())
    vars(made)["_pipeline"] = RecognitionPipeline(None, encoder, matcher, NoPlaces())  # type: ignore[arg-type]
    return made


@pytest.fixture
def service(tmp_path: Path, engine: LooksRecognitionEngine, looks: Looks) -> Iterator[RecognitionService]:
    """With two photos of every thing, and what was said of some."""
    database = Database(f"sqlite:///{tmp_path}/records.sqlite3")
    jobs = JobRunner()
    with database.write() as session:
        for number in range(CONCEPTS):
            add(LookRepository(session), ConceptRepository(session), f"c{number:03}", number, looks, engine.model())
        for number, (of, shows, thing) in enumerate([(3, True, 3), (4, False, 16), (5, False, 5)]):
            example = Example(id=f"e{number}", concept_id=f"c{of:03}", file=f"f{number}", shows_it=shows)
            ExampleRepository(session).keep(example)
            look = looks.of(thing, 1)
            LookRepository(session).keep(
                example.id, look, model=engine.model(), concept_id=example.concept_id, owner="local"
            )
    yield RecognitionService(
        vault=Vault(database, FileStore(str(tmp_path / "files"))), jobs=jobs, engine=engine, ids=IdSource()
    )
    jobs.close()
    database.close()


def add(kept: LookRepository, concepts: ConceptRepository, name: str, thing: int, looks: Looks, model: str) -> None:
    photos = tuple(Photo(id=f"{name}-{one}", file=f"{name}-{one}", cutout="x", width=1, height=1) for one in range(2))
    concepts.add(Concept(id=name, name=name, kind="", photos=photos, facts=(), created_at=datetime.now(UTC)))
    for photo in photos:
        kept.keep(photo.id, looks.of(thing, 2), model=model, concept_id=name, owner="local")


def photos_of(looks: Looks) -> list[Seen]:
    """Photos of two things each, known ones and, from 110 on, some that are not."""
    return [
        Seen(
            photo=b"",
            places=PhotoPlaces(boxes=BOXES, looks=tuple(looks.of(thing, 1) for thing in (first, first, first + 7))),
            width=100,
            height=100,
        )
        for first in range(0, CONCEPTS + 13, 4)
    ]


def answers(
    service: RecognitionService, seen: list[Seen], monkeypatch: pytest.MonkeyPatch, many: int
) -> list[Recognition]:
    monkeypatch.setattr(shortlisting, "SHORTLIST_FROM", many)
    monkeypatch.setattr(shortlisting, "SHORTLIST", 6)
    return [service.answer([one])[0] for one in seen]


def test_the_answers_are_the_same(service: RecognitionService, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = photos_of(looks)
    everything = answers(service, seen, monkeypatch, 10**9)
    compared: list[int] = []
    decide = service._engine.decide

    def counting(places: PhotoPlaces, known: Any, *, among: int | None = None) -> Any:
        compared.append(len(known))
        assert among == CONCEPTS
        return decide(places, known, among=among)

    monkeypatch.setattr(service._engine, "decide", counting)
    assert answers(service, seen, monkeypatch, 100) == everything
    assert max(compared) < CONCEPTS / 2
    assert sum(len(one.concepts) for one in everything) > len(seen) and sum(one.unknown for one in everything) > 4


def test_below_the_number_all_are_compared(
    service: RecognitionService, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlisting, "SHORTLIST_FROM", 2 * CONCEPTS + 4)
    monkeypatch.setattr(LookRepository, "nearest", None)
    assert len(service.answer(photos_of(looks)[:1])) == 1


def test_an_engine_whose_looks_are_no_vectors_compares_with_all(
    service: RecognitionService, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlisting, "SHORTLIST_FROM", 1)
    monkeypatch.setattr(service._engine, "vectors", lambda: None)
    monkeypatch.setattr(LookRepository, "nearest", None)
    assert len(service.answer(photos_of(looks)[:1])) == 1
