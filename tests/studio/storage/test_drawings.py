from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from studio.domain.drawings import Drawing
from studio.domain.generation import GenerateRequest
from studio.storage.database import Database
from studio.storage.drawings import DrawingRepository
from studio.storage.models import DrawingRow


def drawing(id: str, owner: str = "local") -> Drawing:
    request = GenerateRequest(prompt="a happy @bo", count=2, seed=7, steps=4, guidance=3.5, fidelity=0.4, owner=owner)
    return Drawing(id=id, request=request, process="p", created_at=datetime(2026, 1, 2, tzinfo=UTC))


def test_a_drawing_comes_back_as_it_was(database: Database) -> None:
    with database.write() as session:
        for made in (drawing("1"), drawing("2"), drawing("3", owner="anna")):
            DrawingRepository(session).add(made)
    with database.read() as session:
        assert DrawingRepository(session).all("local") == [drawing("2"), drawing("1")]
        assert DrawingRepository(session).all("anna") == [drawing("3", owner="anna")]


def test_only_its_owner_removes_it_and_only_once(database: Database) -> None:
    with database.write() as session:
        DrawingRepository(session).add(drawing("1"))
        assert not DrawingRepository(session).delete("1", "anna")
        assert DrawingRepository(session).delete("1", "local")
        assert not DrawingRepository(session).delete("1", "local")


def test_fields_of_another_version_are_passed_over(database: Database) -> None:
    with database.write() as session:
        DrawingRepository(session).add(drawing("1"))
        row = session.scalars(select(DrawingRow)).one()
        row.request = {**row.request, "mood": "blue"}
    with database.read() as session:
        assert DrawingRepository(session).all("local") == [drawing("1")]
