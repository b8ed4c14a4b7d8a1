from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from studio.domain.generation import Picture, Recipe
from studio.domain.scores import Scores
from studio.storage.database import Database
from studio.storage.pictures import PictureRepository

RECIPE = Recipe(
    prompt="a happy @bo, 100% RED",
    seed=2**32 - 1,
    steps=8,
    guidance=4.5,
    fidelity=0.7,
    scheduler="Euler",
    model="mini",
    model_hash="abc",
    width=64,
    height=64,
    concepts=("c1",),
    concept_names=("Bo",),
)


def picture(number: int, **values: object) -> Picture:
    made = Picture(
        id=f"{number:032x}",
        file=f"file{number}",
        width=64,
        height=64,
        recipe=RECIPE,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        seconds=1.5,
        scores=Scores(likeness=0.25, prompt=0.75),
    )
    return dataclasses.replace(made, **values)  # type: ignore[arg-type]


def page(
    database: Database,
    owner: str = "local",
    *,
    before: str | None = None,
    limit: int = 100,
    concept: str | None = None,
    words: tuple[str, ...] = (),
) -> list[Picture]:
    with database.read() as session:
        return PictureRepository(session).page(owner, before=before, limit=limit, concept=concept, words=words)


def store(database: Database, *pictures: Picture) -> None:
    with database.write() as session:
        for made in pictures:
            PictureRepository(session).add(made)


def test_a_picture_comes_back_as_it_was(database: Database) -> None:
    store(database, picture(1))
    with database.read() as session:
        assert PictureRepository(session).find(picture(1).id, "local") == picture(1)
        assert PictureRepository(session).find(picture(1).id, "another") is None


def test_pages_follow_each_other_without_gap_or_repeat(database: Database) -> None:
    store(database, *(picture(number) for number in range(7)))
    seen: list[Picture] = []
    while following := page(database, before=seen[-1].id if seen else None, limit=3):
        seen += following
        store(database, picture(100 + len(seen)))  # a new one must not shift the pages behind it
    assert seen == [picture(number) for number in reversed(range(7))]


def test_pictures_are_found_by_what_they_show(database: Database) -> None:
    plain = dataclasses.replace(RECIPE, concepts=(), concept_names=())
    store(database, picture(1), picture(2, recipe=plain))
    for concept in ("c1", "bo"):
        assert page(database, concept=concept) == [picture(1)]
    assert page(database, concept="mug") == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), True),
        (("happy",), True),
        (("red", "happy"), True),
        (("100%",), True),
        (("1%0",), False),
        (("h_ppy",), False),
    ],
)
def test_words_are_taken_literally_and_all_must_match(database: Database, words: tuple[str, ...], found: bool) -> None:
    store(database, picture(1))
    assert bool(page(database, words=words)) is found


def test_a_rating_is_kept_and_can_be_taken_back(database: Database) -> None:
    store(database, picture(1))
    for liked in (True, False, None):
        with database.write() as session:
            PictureRepository(session).rate(picture(1).id, liked, "local")
        assert page(database) == [picture(1, liked=liked)]


def test_another_owner_sees_and_changes_nothing(database: Database) -> None:
    store(database, picture(1))
    assert page(database, "another") == page(database, "another", concept="c1") == []
    with database.write() as session:
        pictures = PictureRepository(session)
        assert pictures.rate(picture(1).id, True, "another") is None
        assert pictures.delete(picture(1).id, "another") is None
    assert page(database) == [picture(1)]


def test_a_deleted_picture_takes_its_subjects_along(database: Database) -> None:
    store(database, picture(1))
    with database.write() as session:
        assert PictureRepository(session).delete(picture(1).id, "local") == picture(1)
    with database.read() as session:
        for table in ("pictures", "picture_subjects"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_what_was_drawn_like_a_deleted_picture_stays_without_it(database: Database) -> None:
    like = dataclasses.replace(RECIPE, like="file1", taste_share=0.25, palette=("#aa3311",))
    store(database, picture(1), picture(2, recipe=like), picture(3, recipe=like, owner="another"))
    with database.write() as session:
        assert PictureRepository(session).find(picture(2).id, "local") == picture(2, recipe=like)
        PictureRepository(session).delete(picture(1).id, "local")
    with database.read() as session:
        kept = PictureRepository(session).find(picture(2).id, "local")
        other = PictureRepository(session).find(picture(3).id, "another")
    assert kept is not None and kept.recipe == dataclasses.replace(like, like="")
    assert other is not None and other.recipe == like  # another owner's is not touched
