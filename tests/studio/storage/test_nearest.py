"""The nearest concepts are the same wherever they are looked for; looks have four numbers here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from studio.domain.concepts import Concept
from studio.domain.recognition import Example
from studio.storage import nearest
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.examples import ExampleRepository, LookRepository
from studio.storage.nearest import LookQuery, search_in
from tests.studio.storage.conftest import ALL_KINDS

pytestmark = ALL_KINDS
WIDTH = 64
NONE = 2.0  # no inner product of rows of length one is as large


def rows(*numbers: float) -> bytes:
    """A look: the first numbers of its rows, the others 0; one row each."""
    look = np.zeros((len(numbers), WIDTH), np.float16)
    look[:, 0] = numbers
    return look.tobytes()


def query(*places: bytes, count: int = 2, least: float = NONE, model: str = "m") -> LookQuery:
    return LookQuery(model=model, width=WIDTH, places=places, count=count, least=least)


def add(database: Database, name: str, *looks: bytes, owner: str = "local", model: str = "m") -> None:
    with database.write() as session:
        ConceptRepository(session).add(
            Concept(id=name, name=name, kind="", photos=(), facts=(), owner=owner, created_at=datetime.now(UTC))
        )
        for number, look in enumerate(looks):
            LookRepository(session).keep(f"{name}{number}", look, model=model, concept_id=name, owner=owner)


def found(database: Database, asked: LookQuery, owner: str = "local") -> list[list[str]]:
    ready = False
    while not ready:
        with database.write() as session:
            search_in(session).prepare(owner, asked.model, WIDTH)
            ready = search_in(session).ready(owner, asked.model)
    with database.read() as session:
        return search_in(session).nearest(owner, asked)


def test_the_nearest_come_first_by_the_best_row_of_any_of_their_looks(database: Database) -> None:
    add(database, "ana", rows(0.5))
    add(database, "bo", rows(0.1), rows(-0.5, 0.75))
    add(database, "cup", rows(0.25, 0.25))
    assert found(database, query(rows(1), rows(-1), rows(1), count=2)) == [
        ["bo", "ana"],
        ["bo", "cup"],
        ["bo", "ana"],
    ]


def test_as_many_as_there_are_and_all_that_are_alike_enough(database: Database) -> None:
    for name, look in (("ana", 0.5), ("bo", 0.75), ("cup", 0.25), ("dot", 0.25)):
        add(database, name, rows(look))
    assert found(database, query(rows(1), count=9)) == [["bo", "ana", "cup", "dot"]]
    assert found(database, query(rows(1), count=1, least=0.5)) == [["bo", "ana"]]
    assert found(database, query(rows(1), count=1, least=NONE)) == [["bo"]]


def test_others_and_other_models_are_not_asked(database: Database) -> None:
    add(database, "ana", rows(0.5))
    add(database, "bo", rows(1), owner="another")
    add(database, "cup", rows(1), model="other")
    assert found(database, query(rows(1))) == [["ana"]]
    assert found(database, query(rows(1)), owner="another") == [["bo"]]
    assert found(database, query(rows(1), rows(1)), owner="nobody") == [[], []]
    assert found(database, query()) == []


def test_what_is_not_a_concept_does_not_count_for_it(database: Database) -> None:
    add(database, "ana", rows(0.5))
    add(database, "bo", rows(0.25))
    with database.write() as session:
        for id, shows_it in (("e1", False), ("e2", True)):
            example = Example(id=id, concept_id="bo", file=id, shows_it=shows_it)
            ExampleRepository(session).keep(example)
        LookRepository(session).keep("e1", rows(1), model="m", concept_id="bo", owner="local")
    assert found(database, query(rows(1))) == [["ana", "bo"]]
    with database.write() as session:
        LookRepository(session).keep("e2", rows(0.75), model="m", concept_id="bo", owner="local")
    assert found(database, query(rows(1))) == [["bo", "ana"]]


def test_every_change_counts_at_the_next_question(database: Database) -> None:
    add(database, "ana", rows(0.5))
    add(database, "bo", rows(0.75))
    assert found(database, query(rows(1))) == [["bo", "ana"]]
    with database.write() as session:
        LookRepository(session).keep("bo0", rows(0.25), model="m", concept_id="bo", owner="local")
    assert found(database, query(rows(1))) == [["ana", "bo"]]
    with database.write() as session:
        LookRepository(session).forget(["ana0"], "local")
    assert found(database, query(rows(1))) == [["bo"]]
    with database.write() as session:
        ConceptRepository(session).delete("bo", "local")
    assert found(database, query(rows(1))) == [[]]


def test_both_ways_agree_on_many_looks(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_BATCH", 7)  # so that there are several batches, and a last one that is not full
    numbers = np.random.default_rng(0)
    looks = numbers.standard_normal((60, 2, WIDTH)).astype(np.float16) / 8
    places = numbers.standard_normal((4, WIDTH)).astype(np.float16) / 8
    for concept in range(20):
        add(database, f"c{concept:02}", *(look.tobytes() for look in looks[3 * concept : 3 * concept + 3]))
    alike = np.einsum("lvd,pd->lvp", looks.astype(np.float32), places.astype(np.float32)).max(axis=1)
    best = alike.reshape(20, 3, 4).max(axis=1)
    expected = [[f"c{one:02}" for one in np.argsort(-best[:, place])[:6]] for place in range(4)]
    assert found(database, query(*(place.tobytes() for place in places), count=6)) == expected


def test_a_database_that_is_opened_again_finds_the_same(
    database: Database, open_database: Callable[[], Database]
) -> None:
    add(database, "ana", rows(0.5))
    assert found(database, query(rows(1))) == found(open_database(), query(rows(1))) == [["ana"]]
