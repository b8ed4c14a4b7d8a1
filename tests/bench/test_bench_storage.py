"""The bench itself, at a size that takes a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.storage.database import Database
from studio.storage.examples import LookRepository
from tests.bench.bench_storage import MODEL, OWNER, Sizes, fill, measure, measure_sqlite_vec
from tests.bench.sqlite_vec_search import WAYS, SqliteVecMissing, SqliteVecSearch, missing

SIZES = Sizes(own=20, width=4, places=2, repeats=3)


def test_the_owner_has_as_many_looks_as_was_asked_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/records.sqlite3")
    fill(database, rows=120, own=20, width=4)
    with database.read() as session:
        looks = LookRepository(session).all(OWNER, MODEL)
    database.close()
    assert len(looks) == 20 and {len(look) for look in looks.values()} == {16}


def test_figures_are_measured(tmp_path: Path) -> None:
    figures = measure(f"sqlite:///{tmp_path}/records.sqlite3", rows=60, sizes=SIZES)
    assert (figures["rows"], figures["own"]) == (60, 20)
    assert all(figures[way] > 0 for way in ("search_ms", "scan_ms", "everything_ms", "nearest_ms", "shortlist_ms"))


@pytest.mark.parametrize("way", WAYS)
def test_sqlite_vec_is_measured_where_it_can_be_loaded(tmp_path: Path, way: str) -> None:
    if missing() is not None:
        with pytest.raises(SqliteVecMissing, match="pip install"):
            SqliteVecSearch(tmp_path / "vectors.sqlite3", width=4, way=way)
        return
    figures = measure_sqlite_vec(tmp_path, way, rows=60, sizes=SIZES)
    assert (figures["sqlite_vec"], figures["own"]) == (way, 20) and figures["nearest_ms"] > 0


@pytest.mark.parametrize("way", WAYS)
def test_sqlite_vec_finds_the_nearest_concepts_of_one_owner(tmp_path: Path, way: str) -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    ways = np.eye(4, dtype=np.float16) * np.float16(0.1)
    search = SqliteVecSearch(tmp_path / "vectors.sqlite3", width=4, way=way)
    search.add([("ana", "bo", ways[0]), ("ana", "bo", ways[1]), ("ana", "cup", ways[2]), ("ben", "fox", ways[2])])
    assert search.nearest("ana", [ways[2], ways[1]], count=1, vectors=1) == [["cup"], ["bo"]]
    assert search.nearest("ana", [ways[2]], count=2, vectors=2) == [["cup", "bo"]]
    search.close()
