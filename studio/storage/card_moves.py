"""What changes hands when two concepts become one, or one becomes two."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from studio.domain.concepts import Concept
from studio.storage.models import ExampleRow, LookRow, PhotoRow, PictureSubjectRow, RelationRow


class CardMoves:
    """Moves records from one concept of an owner to another, within a session.

    What the session has read before is read again afterwards.
    """

    def __init__(self, session: Session, owner: str) -> None:
        self._session = session
        self._owner = owner

    def photos(self, photo_ids: Iterable[str], *, source: str, target: str) -> None:
        """Move photos and what they look like; `ConceptRepository.replace` puts them in order afterwards."""
        moved = list(photo_ids)
        self._session.execute(
            update(PhotoRow)
            .where(PhotoRow.owner == self._owner, PhotoRow.concept_id == source, PhotoRow.id.in_(moved))
            .values(concept_id=target)
        )
        self._move_looks(moved, target)
        self._session.expire_all()

    def everything(self, source: Concept, target: Concept) -> None:
        """Move photos, examples, relations of others, and the pictures that were made."""
        self.photos([photo.id for photo in source.photos], source=source.id, target=target.id)
        self._examples(source.id, target.id)
        self._session.execute(
            update(RelationRow)
            .where(RelationRow.owner == self._owner, RelationRow.other_id == source.id)
            .values(other_id=target.id)
        )
        self._pictures(source.id, target)
        self._session.expire_all()

    def _examples(self, source: str, target: str) -> None:
        known = aliased(ExampleRow)
        mine = (ExampleRow.owner == self._owner, ExampleRow.concept_id == source)
        # What was said of the same crop and the target counts.
        doubled = exists().where(known.concept_id == target, known.file == ExampleRow.file)
        gone = list(self._session.scalars(select(ExampleRow.id).where(*mine, doubled)))
        self._session.execute(delete(LookRow).where(LookRow.owner == self._owner, LookRow.of.in_(gone)))
        self._session.execute(delete(ExampleRow).where(ExampleRow.owner == self._owner, ExampleRow.id.in_(gone)))
        moved = list(self._session.scalars(select(ExampleRow.id).where(*mine)))
        self._session.execute(update(ExampleRow).where(*mine).values(concept_id=target))
        self._move_looks(moved, target)

    def _pictures(self, source: str, target: Concept) -> None:
        known = aliased(PictureSubjectRow)
        mine = (PictureSubjectRow.owner == self._owner, PictureSubjectRow.concept_id == source)
        both = select(known.picture_id).where(known.owner == self._owner, known.concept_id == target.id)
        doubled = list(
            self._session.scalars(
                select(PictureSubjectRow.picture_id).where(*mine).where(PictureSubjectRow.picture_id.in_(both))
            )
        )
        self._session.execute(delete(PictureSubjectRow).where(*mine, PictureSubjectRow.picture_id.in_(doubled)))
        self._session.execute(update(PictureSubjectRow).where(*mine).values(concept_id=target.id, handle=target.handle))

    def _move_looks(self, of: list[str], target: str) -> None:
        self._session.execute(
            update(LookRow).where(LookRow.owner == self._owner, LookRow.of.in_(of)).values(concept_id=target)
        )
