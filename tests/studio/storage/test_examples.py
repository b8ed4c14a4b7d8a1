from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from studio.domain.concepts import Concept
from studio.domain.recognition import Example
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.examples import ExampleRepository, LookRepository
from tests.studio.storage.conftest import ALL_KINDS

pytestmark = ALL_KINDS
SHOWN = Example(id="e1", concept_id="bo", file="f1", shows_it=True)


@pytest.fixture
def database(database: Database) -> Database:
    with database.write() as session:
        for owner, name in (("local", "bo"), ("another", "mug")):
            ConceptRepository(session).add(
                Concept(id=name, name=name, kind="", photos=(), facts=(), owner=owner, created_at=datetime.now(UTC))
            )
        ExampleRepository(session).keep(SHOWN)
        LookRepository(session).keep("e1", b"look", model="m", concept_id="bo", owner="local")
    return database


def test_an_example_comes_back_to_its_owner_only(database: Database) -> None:
    with database.read() as session:
        examples, looks = ExampleRepository(session), LookRepository(session)
        assert examples.all("local") == examples.of_concept("bo", "local") == [SHOWN]
        assert examples.all("another") == examples.of_concept("bo", "another") == []
        assert looks.all("local", "m") == {"e1": b"look"}
        assert looks.all("another", "m") == looks.all("local", "other-model") == {}


def test_the_last_word_about_a_crop_counts(database: Database) -> None:
    with database.write() as session:
        kept = ExampleRepository(session).keep(Example(id="e2", concept_id="bo", file="f1", shows_it=False))
        assert kept == "e1"
    with database.read() as session:
        assert [one.shows_it for one in ExampleRepository(session).all("local")] == [False]


def test_a_look_is_replaced(database: Database) -> None:
    with database.write() as session:
        LookRepository(session).keep("e1", b"newer", model="m", concept_id="bo", owner="local")
    with database.read() as session:
        assert LookRepository(session).all("local", "m") == {"e1": b"newer"}


def test_an_example_of_anothers_concept_is_impossible(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        ExampleRepository(session).keep(Example(id="e3", concept_id="mug", file="f", shows_it=True))


@pytest.mark.parametrize("way", ["concept", "examples"])
def test_what_is_forgotten_takes_its_looks_along(database: Database, way: str) -> None:
    with database.write() as session:
        if way == "concept":
            ConceptRepository(session).delete("bo", "local")
        else:
            ExampleRepository(session).forget("bo", "local")
    with database.read() as session:
        assert ExampleRepository(session).all("local") == []
        assert LookRepository(session).all("local", "m") == {}
