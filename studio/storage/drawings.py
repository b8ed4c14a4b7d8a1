"""Records of drawings that were asked for and have not ended."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.domain.drawings import Drawing, InTaste
from studio.domain.generation import GenerateRequest
from studio.storage.models import DrawingRow

_IN_TASTE = "in_taste"


class DrawingRepository:
    """Reads and writes drawings within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, drawing: Drawing) -> None:
        """Store the record of a new drawing."""
        self._session.add(
            DrawingRow(
                id=drawing.id,
                owner=drawing.request.owner,
                process=drawing.process,
                request=_request(drawing),
                reference=(drawing.in_taste.like if drawing.in_taste else "") or None,
                created_at=drawing.created_at,
            )
        )
        self._session.flush()

    def all(self, owner: str) -> list[Drawing]:
        """Return the drawings of `owner`, the newest first."""
        rows = self._session.scalars(select(DrawingRow).where(DrawingRow.owner == owner).order_by(DrawingRow.id.desc()))
        return [_drawing(row) for row in rows]

    def delete(self, drawing_id: str, owner: str) -> bool:
        """Remove the record; say whether there was one."""
        row = self._session.scalar(select(DrawingRow).where(DrawingRow.owner == owner, DrawingRow.id == drawing_id))
        if row is not None:
            self._session.delete(row)
            self._session.flush()
        return row is not None


def _request(drawing: Drawing) -> dict[str, Any]:
    record = dataclasses.asdict(drawing.request)
    # beside the fields of the request, where a version that knows no taste does not look
    return record if drawing.in_taste is None else {**record, _IN_TASTE: dataclasses.asdict(drawing.in_taste)}


def _drawing(row: DrawingRow) -> Drawing:
    # Another version of the studio may have known other fields.
    known = {field.name for field in dataclasses.fields(GenerateRequest)}
    request = GenerateRequest(**{name: value for name, value in row.request.items() if name in known})
    taste = row.request.get(_IN_TASTE)
    if taste:
        taste = {**taste, "like": row.reference or ""}
    return Drawing(
        id=row.id, request=request, process=row.process, created_at=row.created_at,
        in_taste=InTaste(**taste) if taste else None,
    )  # fmt: skip
