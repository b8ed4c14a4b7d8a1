"""What was asked for and has not ended: on record, so that the end of the studio loses nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from studio.domain.drawings import Drawing, InTaste
from studio.domain.generation import GenerateRequest
from studio.domain.identifiers import IdSource
from studio.errors import NotFound
from studio.storage.drawings import DrawingRepository
from studio.storage.ingest import suffix_of
from studio.storage.presence import Presence
from studio.storage.vault import Vault


class DrawingLog:
    """Drawings of all owners, from the asking until they are kept, stopped or failed."""

    def __init__(self, vault: Vault, presence: Presence, ids: IdSource) -> None:
        self._vault = vault
        self._presence = presence
        self._ids = ids

    def enter(
        self,
        request: GenerateRequest,
        *,
        instead_of: str | None = None,
        in_taste: InTaste | None = None,
        reference: bytes | None = None,
    ) -> Drawing:
        """Put a drawing on record, in the place of an interrupted one where that is named.

        Args:
            request: what is drawn.
            instead_of: id of the interrupted one.
            in_taste: in whose taste, or like which picture.
            reference: file of a picture that it is to look like, JPEG or PNG, where that is not kept yet.

        Raises:
            NotFound: there is no drawing `instead_of` any more.
            StorageFull: the disk has no room for the record.
        """
        process = self._presence.announce()
        with self._vault.storing() as act:
            if reference is not None and in_taste is not None:
                in_taste = replace(in_taste, like=act.put(reference, suffix_of(reference)))
            drawing = Drawing(
                id=self._ids(), request=request, process=process, created_at=datetime.now(UTC), in_taste=in_taste
            )
            drawings = DrawingRepository(act.session)
            if instead_of is not None and not drawings.delete(instead_of, request.owner):
                raise _unknown(instead_of)
            drawings.add(drawing)
        return drawing

    def settle(self, drawing: Drawing) -> None:
        """Take a drawing off the record; no effect when it is off already."""
        with self._vault.database.write() as session:
            DrawingRepository(session).delete(drawing.id, drawing.request.owner)
        if drawing.in_taste is not None and drawing.in_taste.like:
            self._vault.sweep([drawing.in_taste.like])

    def interrupted(self, owner: str) -> list[Drawing]:
        """Return the drawings whose process has ended before them, the newest first."""
        with self._vault.database.read() as session:
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
