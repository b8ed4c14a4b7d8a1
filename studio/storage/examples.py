"""Records of what people said about places in photos, and of the looks of everything known."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from studio.domain.recognition import Example
from studio.storage.models import ExampleRow, LookRow
from studio.storage.nearest import LookQuery, search_in


class ExampleRepository:
    """Reads and writes examples within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, owner: str) -> list[Example]:
        """Return the examples of all concepts of `owner`, the oldest first."""
        rows = self._session.scalars(select(ExampleRow).where(ExampleRow.owner == owner).order_by(ExampleRow.id))
        return [_example(row) for row in rows]

    def of_concept(self, concept_id: str, owner: str) -> list[Example]:
        """Return the examples of one concept of `owner`."""
        asked = select(ExampleRow).where(ExampleRow.owner == owner, ExampleRow.concept_id == concept_id)
        return [_example(row) for row in self._session.scalars(asked.order_by(ExampleRow.id))]

    def keep(self, example: Example) -> str:
        """Store an example and return its id; what was said before of the same crop and concept is changed."""
        asked = select(ExampleRow).where(
            ExampleRow.owner == example.owner,
            ExampleRow.concept_id == example.concept_id,
            ExampleRow.file == example.file,
        )
        row = self._session.scalar(asked)
        if row is None:
            row = ExampleRow(id=example.id, concept_id=example.concept_id, owner=example.owner, file=example.file)
            self._session.add(row)
        row.shows_it = example.shows_it
        self._session.flush()
        return row.id

    def forget(self, concept_id: str, owner: str) -> None:
        """Remove what was said about a concept of `owner`, and the looks of it."""
        ids = [example.id for example in self.of_concept(concept_id, owner)]
        LookRepository(self._session).forget(ids, owner)
        self._session.execute(delete(ExampleRow).where(ExampleRow.owner == owner, ExampleRow.id.in_(ids)))


class LookRepository:
    """Keeps the looks of photos and examples by their id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, owner: str, model: str) -> dict[str, bytes]:
        """Return what `model` saw in the photos and examples of `owner`, by their ids."""
        asked = select(LookRow.of, LookRow.data).where(LookRow.owner == owner, LookRow.model == model)
        return {of: bytes(data) for of, data in self._session.execute(asked)}

    def some(self, owner: str, model: str, concepts: Iterable[str]) -> dict[str, bytes]:
        """Return what `all` returns, of some concepts only."""
        asked = select(LookRow.of, LookRow.data).where(LookRow.owner == owner, LookRow.model == model)
        rows = self._session.execute(asked.where(LookRow.concept_id.in_(list(concepts))))
        return {of: bytes(data) for of, data in rows}

    def ids(self, owner: str, model: str) -> set[str]:
        """Return the ids of the photos and examples of `owner` that `model` saw."""
        return set(self._session.scalars(select(LookRow.of).where(LookRow.owner == owner, LookRow.model == model)))

    def nearest(self, owner: str, query: LookQuery) -> set[str]:
        """Return the ids of the concepts of `owner` that look most like some places; see `LookSearch.nearest`."""
        return {concept for found in search_in(self._session).nearest(owner, query) for concept in found}

    def count(self, owner: str, model: str) -> int:
        """Return how many photos and examples of `owner` the model saw."""
        asked = select(func.count()).where(LookRow.owner == owner, LookRow.model == model)
        return self._session.scalar(asked) or 0

    def ready(self, owner: str, model: str) -> bool:
        """Say whether `nearest` would find all looks."""
        return search_in(self._session).ready(owner, model)

    def prepare(self, owner: str, model: str, width: int) -> None:
        """Make some looks that `nearest` would not find ready; see `LookSearch.prepare`."""
        search_in(self._session).prepare(owner, model, width)

    def keep(self, of: str, data: bytes, *, model: str, concept_id: str, owner: str) -> None:
        """Store the look of a photo or example; one that is there already is replaced."""
        # not updated: what was made of the look before goes with it
        self._session.execute(delete(LookRow).where(LookRow.owner == owner, LookRow.of == of, LookRow.model == model))
        look = {"of": of, "model": model, "concept_id": concept_id, "owner": owner, "data": data}
        self._session.execute(insert(LookRow).values(look))

    def forget(self, of: Iterable[str], owner: str) -> None:
        """Remove the looks of photos or examples of `owner`, by their ids."""
        self._session.execute(delete(LookRow).where(LookRow.owner == owner, LookRow.of.in_(list(of))))

    def of_concept(self, concept_id: str, owner: str) -> tuple[int, int]:
        """Return how many looks of a concept are kept, of all models, and the bytes they take."""
        asked = select(func.count(), func.coalesce(func.sum(func.length(LookRow.data)), 0))
        count, size = self._session.execute(asked.where(LookRow.owner == owner, LookRow.concept_id == concept_id)).one()
        return count, size


def _example(row: ExampleRow) -> Example:
    return Example(id=row.id, concept_id=row.concept_id, file=row.file, shows_it=row.shows_it, owner=row.owner)
