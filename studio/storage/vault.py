"""Files and records that stand or fall together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from studio.storage.database import Database
from studio.storage.files import FileStore, key_of
from studio.storage.models import (
    ChatPictureRow,
    ConceptRow,
    DrawingRow,
    ExampleRow,
    PhotoRow,
    PictureRow,
    StyleLoraRow,
    TasteEventRow,
)


class Storing:
    """An act of storing: records go through `session`, files through `put`."""

    def __init__(self, session: Session, files: FileStore) -> None:
        self.session = session
        self.added: list[str] = []
        self._files = files

    def put(self, data: bytes, suffix: str) -> str:
        """Store a content and return its key; it is taken back when the act fails."""
        if not self._files.exists(key_of(data, suffix)):
            self.added.append(key_of(data, suffix))
        return self._files.put(data, suffix)


class Vault:
    """The database and the file store, kept in step.

    Both acts hold the database's write lock, so that a content which one of them is about to refer to
    is not swept away by another, be it of a second process.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self.database = database
        self.files = files

    @contextmanager
    def storing(self) -> Iterator[Storing]:
        """Store files and records, all or none: when the block or the commit fails, its new files go again."""
        added: list[str] = []
        try:
            with self.database.write() as session:
                act = Storing(session, self.files)
                added = act.added
                yield act
        except BaseException:
            self.sweep(added)
            raise

    def is_used(self, key: str) -> bool:
        """Say whether a record refers to the file of `key`."""
        with self.database.read() as session:
            return _referenced(session, key)

    def sweep(self, keys: Iterable[str | None]) -> None:
        """Delete the files of `keys` that no record refers to any more, and wipe them from the database's log."""
        with self.database.write() as session:
            for key in sorted({key for key in keys if key}):
                if not _referenced(session, key):
                    self.files.delete(key)
        self.database.checkpoint()


def _referenced(session: Session, key: str) -> bool:
    # Of any owner: equal contents of two owners share one file.
    return bool(
        session.scalar(
            select(
                or_(
                    exists().where(PhotoRow.file == key),
                    exists().where(PhotoRow.cutout == key),
                    exists().where(ExampleRow.file == key),
                    exists().where(ConceptRow.adapter == key),
                    exists().where(PictureRow.file == key),
                    exists().where(PictureRow.reference == key),
                    exists().where(DrawingRow.reference == key),
                    exists().where(ChatPictureRow.file == key),
                    exists().where(TasteEventRow.file == key),
                    exists().where(StyleLoraRow.file == key),
                )
            )
        )
    )
