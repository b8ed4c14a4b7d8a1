"""What was made: listed, found, rated, taken away, deleted."""

from __future__ import annotations

import builtins
import io
from typing import Literal

from PIL import Image

from studio.domain.concepts import handle_of
from studio.domain.generation import Picture
from studio.errors import InvalidInput, NotFound
from studio.storage.concepts import ConceptRepository
from studio.storage.pictures import PictureRepository
from studio.storage.recipes import encode_png, encode_webp
from studio.storage.vault import Vault

PAGE_MAX = 200
TEXT_MAX = 200
_ENCODERS = {"png": encode_png, "webp": encode_webp}


class GalleryService:
    """Made pictures of all owners; an owner only ever meets their own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def list(
        self,
        owner: str = "local",
        *,
        before: str | None = None,
        limit: int = 60,
        concept: str | None = None,
        text: str = "",
    ) -> builtins.list[Picture]:
        """Return a page of pictures, the newest first.

        Args:
            owner: whose pictures.
            before: id of the last picture of the page before; None for the first page.
            limit: pictures on a page, 1–200.
            concept: name, handle or id of a concept, be it forgotten meanwhile; only pictures that show it.
            text: words that the prompt or the names of the concepts must all hold, in any case and order.

        Raises:
            InvalidInput: `limit` or `text` is out of bounds.
        """
        if not 1 <= limit <= PAGE_MAX:
            raise InvalidInput(f"limit is {limit}; it must lie between 1 and {PAGE_MAX}.")
        if len(text) > TEXT_MAX:
            raise InvalidInput(f"The search text has {len(text)} characters; at most {TEXT_MAX} are possible.")
        with self._vault.database.read() as session:
            return PictureRepository(session).page(
                owner,
                before=before,
                limit=limit,
                concept=_shown(ConceptRepository(session), concept, owner) if concept else None,
                words=tuple(text.casefold().split()),
            )

    def get(self, picture_id: str, owner: str = "local") -> Picture:
        """Return a picture; raises `NotFound` when the owner has none of that id."""
        with self._vault.database.read() as session:
            return _found(PictureRepository(session).find(picture_id, owner), picture_id)

    def rate(self, picture_id: str, liked: bool | None, owner: str = "local") -> Picture:
        """Store whether the picture is liked (None: no opinion); raises `NotFound` as `get`."""
        with self._vault.database.write() as session:
            return _found(PictureRepository(session).rate(picture_id, liked, owner), picture_id)

    def delete(self, picture_id: str, owner: str = "local") -> None:
        """Remove a picture and its file; raises `NotFound` as `get`."""
        with self._vault.database.write() as session:
            picture = _found(PictureRepository(session).delete(picture_id, owner), picture_id)
        self._vault.sweep([picture.file, picture.recipe.like])

    def export(
        self, picture_id: str, format: Literal["png", "webp"], *, recipe: bool = True, owner: str = "local"
    ) -> bytes:
        """Return a picture as a file to take away; transparency is kept, nothing is lost.

        Args:
            picture_id: of the picture.
            format: ``"png"`` or ``"webp"`` (lossless).
            recipe: whether the file tells how it was made; False gives a clean copy.
            owner: whose picture.

        Raises:
            InvalidInput: another format.
            NotFound: as `get`.
        """
        if format not in _ENCODERS:
            raise InvalidInput(f"The format {format!r} is not known; choose png or webp.")
        picture = self.get(picture_id, owner)
        with Image.open(io.BytesIO(self._vault.files.get(picture.file))) as image:
            return _ENCODERS[format](image, picture.recipe if recipe else None)


def _found(picture: Picture | None, picture_id: str) -> Picture:
    if picture is None:
        raise NotFound(f"There is no picture {picture_id[:40]!r} (any more).")
    return picture


def _shown(concepts: ConceptRepository, name: str, owner: str) -> str:
    """Return the id of a concept that is known, else the handle under which it was drawn."""
    known = concepts.find(name, owner)
    return known.id if known else handle_of(name.strip().removeprefix("@"))
