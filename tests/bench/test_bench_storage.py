"""The bench itself, at a size that takes a moment."""

from __future__ import annotations

from pathlib import Path

from studio.storage.database import Database
from studio.storage.examples import LookRepository
from tests.bench.bench_storage import MODEL, OWNER, fill, measure


def test_the_owner_has_as_many_looks_as_was_asked_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/records.sqlite3")
    fill(database, rows=120, own=20, width=4)
    with database.read() as session:
        looks = LookRepository(session).all(OWNER, MODEL)
    database.close()
    assert len(looks) == 20 and {len(look) for look in looks.values()} == {16}


def test_figures_are_measured(tmp_path: Path) -> None:
    figures = measure(f"sqlite:///{tmp_path}/records.sqlite3", rows=60, own=20, width=4, places=2, repeats=3)
    assert (figures["rows"], figures["own"]) == (60, 20)
    assert all(figures[way] > 0 for way in ("search_ms", "scan_ms", "everything_ms", "nearest_ms", "shortlist_ms"))
