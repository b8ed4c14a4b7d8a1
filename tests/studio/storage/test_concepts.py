from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from studio.domain.concepts import Concept, Fact, Photo
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database

MOMENT = datetime(2026, 11, 23, 10, 30, 15, 250, tzinfo=UTC)
BO = Concept(
    id="1",
    name="Bo B",
    kind="dog",
    photos=(Photo(id="p2", file="f2", width=3, height=4, cutout="c2"), Photo(id="p1", file="f1", width=1, height=2)),
    facts=(Fact(text="likes rain", added_at=MOMENT), Fact(text="fears cats", added_at=MOMENT)),
    created_at=MOMENT,
    adapter="a",
    adapter_model="m",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/records.sqlite3")
    with opened.write() as session:
        ConceptRepository(session).add(BO)
    yield opened
    opened.close()


def test_a_concept_comes_back_as_it_was(database: Database) -> None:
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [BO]


def test_a_moment_of_another_time_zone_is_the_same_moment(database: Database) -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    with database.write() as session:
        ConceptRepository(session).add(dataclasses.replace(BO, id="2", name="Mug", photos=(), created_at=elsewhere))
    with database.read() as session:
        found = ConceptRepository(session).by_id("2", "local")
    assert found is not None
    assert found.created_at == MOMENT
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("name", ["Bo B", "bo b", " BO-B ", "@bo-b", "bo_b", "1"])
def test_a_concept_is_found_by_name_handle_mention_and_id(database: Database, name: str) -> None:
    with database.read() as session:
        assert ConceptRepository(session).find(name, "local") == BO
        assert ConceptRepository(session).find(name, "another") is None


def test_a_changed_concept_replaces_the_old_one(database: Database) -> None:
    changed = dataclasses.replace(
        BO, name="Bobby", kind="puppy", facts=(BO.facts[1], Fact(text="new", added_at=MOMENT)), photos=BO.photos[:1]
    )
    with database.write() as session:
        ConceptRepository(session).replace(changed)
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [changed]
        assert ConceptRepository(session).handles("local") == {"bobby"}


def test_a_handle_is_taken_once_by_an_owner(database: Database) -> None:
    twin = dataclasses.replace(BO, id="2", name="BO_B", photos=())
    with pytest.raises(IntegrityError), database.write() as session:
        ConceptRepository(session).add(twin)
    with database.write() as session:
        ConceptRepository(session).add(dataclasses.replace(twin, owner="another"))


def test_nothing_of_another_owner_is_changed_or_deleted(database: Database) -> None:
    with database.write() as session:
        concepts = ConceptRepository(session)
        concepts.replace(dataclasses.replace(BO, owner="another", name="Stolen"))
        concepts.delete("1", "another")
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [BO]
        assert ConceptRepository(session).all("another") == []


def test_a_deleted_concept_takes_its_photos_and_facts_along(database: Database) -> None:
    with database.write() as session:
        ConceptRepository(session).delete("1", "local")
    with database.read() as session:
        for table in ("concepts", "photos", "facts"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
