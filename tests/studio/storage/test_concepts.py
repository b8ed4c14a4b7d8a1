from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest

from studio.domain.concepts import Concept, Fact, FactSource, Photo, Relation
from studio.errors import InvalidInput, NameTaken
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.examples import LookRepository

MOMENT = datetime(2026, 11, 23, 10, 30, 15, 250, tzinfo=UTC)
BO = Concept(
    id="1",
    name="Bo B",
    kind="dog",
    photos=(
        Photo(id="p2", file="f2", width=3, height=4, cutout="c2", box=(1, 0, 3, 4)),
        Photo(id="p1", file="f1", width=1, height=2),
    ),
    facts=(Fact(text="likes rain", added_at=MOMENT), Fact(text="fears cats", added_at=MOMENT, source=FactSource.CHAT)),
    created_at=MOMENT,
    adapter="a",
    adapter_model="m",
    aliases=("Bobby", "the dog"),
    attributes="ginger",
    consent_at=MOMENT,
)
ANA = Concept(id="9", name="Ana", kind="girl", photos=(), facts=(), created_at=MOMENT)


@pytest.fixture
def database(database: Database) -> Database:
    with database.write() as session:
        ConceptRepository(session).add(BO)
    return database


def test_a_concept_comes_back_as_it_was(database: Database) -> None:
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [BO]


def test_a_moment_of_another_time_zone_is_the_same_moment(database: Database) -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    with database.write() as session:
        ConceptRepository(session).add(dataclasses.replace(ANA, id="2", created_at=elsewhere))
    with database.read() as session:
        found = ConceptRepository(session).by_id("2", "local")
    assert found is not None
    assert found.created_at == MOMENT
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("name", ["Bo B", "bo b", " BO-B ", "@bo-b", "bo_b", "1", "Bobby", "@bobby", "The_Dog"])
def test_a_concept_is_found_by_name_handle_mention_and_id(database: Database, name: str) -> None:
    with database.read() as session:
        assert ConceptRepository(session).find(name, "local") == BO
        assert ConceptRepository(session).find(name, "another") is None


def test_a_changed_concept_replaces_the_old_one(database: Database) -> None:
    changed = dataclasses.replace(
        BO,
        name="Bobby",
        kind="puppy",
        aliases=("the dog", "Bo B"),
        consent_at=None,
        attributes="",
        facts=(BO.facts[1], Fact(text="new", added_at=MOMENT)),
        photos=BO.photos[:1],
    )
    with database.write() as session:
        ConceptRepository(session).replace(changed)
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [changed]
        assert ConceptRepository(session).handles("local") == {"bobby", "the-dog", "bo-b"}


def test_a_handle_is_taken_once_by_an_owner(database: Database) -> None:
    twin = dataclasses.replace(BO, id="2", name="BO_B", photos=(), aliases=())
    with pytest.raises(NameTaken, match="@bo-b already"), database.write() as session:
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
        for table in ("concepts", "photos", "facts", "aliases"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


@pytest.mark.parametrize("twin", [{"name": "BOBBY"}, {"name": "Cat", "aliases": ("bo b",)}, {"aliases": ("the-dog",)}])
def test_two_concepts_share_neither_name_nor_alias(database: Database, twin: dict[str, object]) -> None:
    with database.write() as session:
        ConceptRepository(session).add(ANA)
    with pytest.raises(NameTaken, match="already"), database.write() as session:
        ConceptRepository(session).replace(dataclasses.replace(ANA, **twin))  # type: ignore[arg-type]
    with pytest.raises(NameTaken), database.write() as session:
        ConceptRepository(session).add(dataclasses.replace(ANA, id="10", **{"name": "Mia", **twin}))  # type: ignore[arg-type]
    with database.write() as session:
        ConceptRepository(session).add(dataclasses.replace(ANA, id="11", owner="another", **twin))  # type: ignore[arg-type]
        assert [one.name for one in ConceptRepository(session).all("local")] == ["Bo B", "Ana"]


def test_every_name_leads_to_the_id_and_the_first_name(database: Database) -> None:
    with database.read() as session:
        names = ConceptRepository(session).names("local")
    assert names == {"bo-b": ("1", "Bo B"), "bobby": ("1", "Bo B"), "the-dog": ("1", "Bo B")}


def test_a_relation_follows_the_other_concept(database: Database) -> None:
    related = dataclasses.replace(BO, relations=(Relation(words="belongs to", other="9"),))
    with database.write() as session:
        ConceptRepository(session).add(ANA)
        ConceptRepository(session).replace(related)
    with database.write() as session:
        (relation,) = ConceptRepository(session).get("bo-b", "local").relations
        assert str(relation) == "belongs to Ana"
        ConceptRepository(session).replace(dataclasses.replace(ANA, name="Anna"))
    with database.write() as session:
        concepts = ConceptRepository(session)
        assert str(concepts.get("bo-b", "local").relations[0]) == "belongs to Anna"
        concepts.delete("9", "local")
        assert concepts.get("bo-b", "local").relations == ()
    with database.read() as session:
        assert ConceptRepository(session).all("local") == [BO]


def test_what_a_photo_looked_like_goes_with_it(database: Database) -> None:
    with database.write() as session:
        for photo in BO.photos:
            LookRepository(session).keep(photo.id, b"look", model="m", concept_id="1", owner="local")
        ConceptRepository(session).replace(dataclasses.replace(BO, photos=BO.photos[1:]))
    with database.read() as session:
        assert LookRepository(session).all("local", "m") == {"p1": b"look"}
        assert LookRepository(session).of_concept("1", "local") == (1, 4)


def test_a_name_that_is_no_text_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput, match="no text"), database.read() as session:
        ConceptRepository(session).find("bo\0", "local")
