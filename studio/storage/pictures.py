"""Records of made pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from studio.domain.concepts import handle_of
from studio.domain.generation import Picture, Recipe
from studio.domain.scores import Scores
from studio.storage.models import DrawingRow, PictureRow, PictureSubjectRow, TasteEventRow

HIDDEN = "hide"  # the reaction that takes a picture out of the gallery until it is taken back


class PictureRepository:
    """Reads and writes pictures within a session; every query asks for the owner."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, picture: Picture) -> None:
        """Store the record of a new picture."""
        recipe = picture.recipe
        self._session.add(
            PictureRow(
                id=picture.id,
                owner=picture.owner,
                file=picture.file,
                width=picture.width,
                height=picture.height,
                recipe=dataclasses.asdict(recipe),
                words=" ".join([recipe.prompt, *recipe.concept_names, recipe.style_name]).casefold().strip(),
                created_at=picture.created_at,
                liked=picture.liked,
                seconds=picture.seconds,
                likeness=picture.scores.likeness,
                prompt_score=picture.scores.prompt,
                reference=recipe.like or None,
                subjects=[
                    PictureSubjectRow(concept_id=concept_id, handle=handle_of(name))
                    for concept_id, name in zip(recipe.concepts, recipe.concept_names, strict=True)
                ],
            )
        )
        self._session.flush()

    def page(
        self, owner: str, *, before: str | None, limit: int, concept: str | None, words: tuple[str, ...]
    ) -> list[Picture]:
        """Return pictures of `owner` that are not hidden, the newest first.

        Args:
            owner: whose pictures.
            before: an id; only older pictures are returned.
            limit: pictures at most.
            concept: an id or a handle; only pictures that show it are returned.
            words: in lower case; only pictures whose prompt or concept names hold all of them are returned.
        """
        query = select(PictureRow).where(PictureRow.owner == owner).order_by(PictureRow.id.desc()).limit(limit)
        query = query.where(
            ~exists().where(
                TasteEventRow.picture_id == PictureRow.id,
                TasteEventRow.owner == owner,
                TasteEventRow.reaction == HIDDEN,
            )
        )
        if before is not None:
            query = query.where(PictureRow.id < before)
        if concept is not None:
            query = query.where(
                exists().where(
                    PictureSubjectRow.picture_id == PictureRow.id,
                    PictureSubjectRow.owner == owner,
                    or_(PictureSubjectRow.concept_id == concept, PictureSubjectRow.handle == concept),
                )
            )
        for word in words:
            query = query.where(PictureRow.words.contains(word, autoescape=True))
        return [_picture(row) for row in self._session.scalars(query)]

    def of_concept(self, concept_id: str, owner: str) -> list[Picture]:
        """Return all pictures of `owner` that show a concept, by its id."""
        shown = exists().where(
            PictureSubjectRow.picture_id == PictureRow.id,
            PictureSubjectRow.owner == owner,
            PictureSubjectRow.concept_id == concept_id,
        )
        return [
            _picture(row) for row in self._session.scalars(select(PictureRow).where(PictureRow.owner == owner, shown))
        ]

    def find(self, picture_id: str, owner: str) -> Picture | None:
        """Return the picture of `owner` with this id."""
        row = self._row(picture_id, owner)
        return None if row is None else _picture(row)

    def rate(self, picture_id: str, liked: bool | None, owner: str) -> Picture | None:
        """Store a rating and return the picture; None when there is no such picture."""
        row = self._row(picture_id, owner)
        if row is None:
            return None
        row.liked = liked
        self._session.flush()
        return _picture(row)

    def delete(self, picture_id: str, owner: str) -> Picture | None:
        """Remove the record and return the picture it held; None when there is no such picture.

        What was drawn like it stays, without it.
        """
        row = self._row(picture_id, owner)
        if row is None:
            return None
        picture = _picture(row)
        self._session.delete(row)
        for table in (PictureRow, DrawingRow):
            self._session.execute(
                update(table).where(table.owner == owner, table.reference == picture.file).values(reference=None)
            )
        self._session.flush()
        return picture

    def _row(self, picture_id: str, owner: str) -> PictureRow | None:
        return self._session.scalar(select(PictureRow).where(PictureRow.owner == owner, PictureRow.id == picture_id))


def _picture(row: PictureRow) -> Picture:
    return Picture(
        id=row.id,
        file=row.file,
        width=row.width,
        height=row.height,
        recipe=_recipe({**row.recipe, "like": row.reference or ""}),
        created_at=row.created_at,
        owner=row.owner,
        liked=row.liked,
        seconds=row.seconds,
        scores=Scores(likeness=row.likeness, prompt=row.prompt_score),
    )


def _recipe(values: dict[str, Any]) -> Recipe:
    lists = {name: tuple(values.get(name, ())) for name in ("concepts", "concept_names", "palette")}
    return Recipe(**{**values, **lists})
