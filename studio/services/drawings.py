"""What was asked for and has not ended: on record, so that the end of the studio loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from studio.domain.drawings import Drawing, InTaste
from studio.domain.generation import GenerateRequest
from studio.domain.identifiers import IdSource
from studio.errors import NotFound
from studio.storage.database import Database
from studio.storage.drawings import DrawingRepository
from studio.storage.presence import Presence


class DrawingLog:
    """Drawings of all owners, from the asking until they are kept, stopped or failed."""

    def __init__(self, database: Database, presence: Presence, ids: IdSource) -> None:
        self._database = database
        self._presence = presence
        self._ids = ids

    def enter(
        self, request: GenerateRequest, *, instead_of: str | None = None, in_taste: InTaste | None = None
    ) -> Drawing:
        """Put a drawing on record, in the place of an interrupted one where that is named.

        Raises:
            NotFound: there is no drawing `instead_of` any more.
            StorageFull: the disk has no room for the record.
        """
        drawing = Drawing(
            id=self._ids(),
            request=request,
            process=self._presence.announce(),
            created_at=datetime.now(UTC),
            in_taste=in_taste,
        )
        with self._database.write() as session:
            drawings = DrawingRepository(session)
            if instead_of is not None and not drawings.delete(instead_of, request.owner):
                raise _unknown(instead_of)
            drawings.add(drawing)
        return drawing

    def settle(self, drawing: Drawing) -> None:
        """Take a drawing off the record; no effect when it is off already."""
        with self._database.write() as session:
            DrawingRepository(session).delete(drawing.id, drawing.request.owner)

    def interrupted(self, owner: str) -> list[Drawing]:
        """Return the drawings whose process has ended before them, the newest first."""
        with self._database.read() as session:
            unfinished = DrawingRepository(session).all(owner)
        at_work = {process: self._presence.at_work(process) for process in {one.process for one in unfinished}}
        return [drawing for drawing in unfinished if not at_work[drawing.process]]

    def find_interrupted(self, drawing_id: str, owner: str) -> Drawing:
        """Return one of them; raises `NotFound` when there is none of that id."""
        for drawing in self.interrupted(owner):
            if drawing.id == drawing_id:
                return drawing
        raise _unknown(drawing_id)


def _unknown(drawing_id: str) -> NotFound:
    return NotFound(f"There is no interrupted drawing {drawing_id[:40]!r} (any more).")
