"""Records of style LoRAs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.domain.concepts import handle_of
from studio.domain.style_loras import StyleLora
from studio.domain.text import check_text
from studio.errors import NameTaken
from studio.storage.models import StyleLoraRow


class StyleLoraRepository:
    """Reads and writes style LoRAs within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, style: StyleLora) -> None:
        """Store a new one.

        Raises:
            NameTaken: another one of the owner has its name.
        """
        self._check_name(style)
        row = StyleLoraRow(
            id=style.id, owner=style.owner, file=style.file, digest=style.digest, model=style.model,
            layers=style.layers, left_out=list(style.left_out), created_at=style.created_at,
        )  # fmt: skip
        _fill(row, style)
        self._session.add(row)
        self._session.flush()

    def all(self, owner: str) -> list[StyleLora]:
        """Return those of `owner`, the oldest first."""
        rows = self._session.scalars(select(StyleLoraRow).where(StyleLoraRow.owner == owner).order_by(StyleLoraRow.id))
        return [_style(row) for row in rows]

    def find(self, name: str, owner: str) -> StyleLora | None:
        """Return the one of `owner` with this name, in any case, or this id."""
        row = self._session.scalar(
            select(StyleLoraRow)
            .where(
                StyleLoraRow.owner == owner,
                (StyleLoraRow.handle == handle_of(check_text(name, "name"))) | (StyleLoraRow.id == name),
            )
            .order_by(StyleLoraRow.id != name)
            .limit(1)
        )
        return None if row is None else _style(row)

    def replace(self, style: StyleLora) -> None:
        """Write name, trigger phrase and strength over the record; no effect when it is gone.

        Raises:
            NameTaken: as `add`.
        """
        row = self._row(style.id, style.owner)
        if row is not None:
            self._check_name(style)
            _fill(row, style)
            self._session.flush()

    def delete(self, style_id: str, owner: str) -> None:
        """Remove the record; no effect when it is gone."""
        row = self._row(style_id, owner)
        if row is not None:
            self._session.delete(row)
            self._session.flush()

    def _row(self, style_id: str, owner: str) -> StyleLoraRow | None:
        return self._session.scalar(
            select(StyleLoraRow).where(StyleLoraRow.owner == owner, StyleLoraRow.id == style_id)
        )

    def _check_name(self, style: StyleLora) -> None:
        """Writers take turns (see `Database.write`), so that nobody can take a name between this and the writing."""
        taken = self._session.scalar(
            select(StyleLoraRow.name).where(
                StyleLoraRow.owner == style.owner, StyleLoraRow.handle == style.handle, StyleLoraRow.id != style.id
            )
        )
        if taken is not None:
            raise NameTaken(f"There is a style LoRA {taken} already. Choose another name, or remove that one first.")


def _fill(row: StyleLoraRow, style: StyleLora) -> None:
    row.name, row.handle = style.name, style.handle
    row.trigger_phrase, row.strength = style.trigger, style.strength


def _style(row: StyleLoraRow) -> StyleLora:
    return StyleLora(
        id=row.id, name=row.name, trigger=row.trigger_phrase, strength=row.strength, file=row.file, digest=row.digest,
        model=row.model, layers=row.layers, left_out=tuple(row.left_out), created_at=row.created_at, owner=row.owner,
    )  # fmt: skip
