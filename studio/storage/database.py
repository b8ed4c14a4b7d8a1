"""The records' database: connection, transactions, and the schema brought up to date at start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from studio.errors import StorageFull, StudioError

MIGRATIONS = Path(__file__).parent / "migrations"
_BEGIN = "keepsake_begin"
_BUSY_SECONDS = 30
# What the machine can do to a file, by SQLite's primary result codes; all else is a bug of ours.
_TROUBLE = {
    sqlite3.SQLITE_BUSY: "another program has held them for too long. Close it and try again",
    sqlite3.SQLITE_READONLY: "they cannot be written. Give this account the right to, or choose another --data-dir",
    sqlite3.SQLITE_IOERR: "the disk is full or fails. Free some space and try again",
    sqlite3.SQLITE_CORRUPT: "they are damaged. Take them from a backup, or move them away to begin anew",
    sqlite3.SQLITE_CANTOPEN: "they cannot be opened. Look at the rights of their folder and at the free space",
    sqlite3.SQLITE_NOTADB: "this is not a database. Move it away to begin anew",
}


class Database:
    """Opens the database at `url` (SQLAlchemy's form) and migrates it to the newest schema."""

    def __init__(self, url: str) -> None:
        location = make_url(url)
        self._sqlite = location.get_backend_name() == "sqlite"
        if self._sqlite and location.database:
            Path(location.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(location, connect_args={"timeout": _BUSY_SECONDS} if self._sqlite else {})
        if self._sqlite:
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)
        self._writing = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        with self._trouble_said():
            migrate(self._writing)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for reading.

        Raises:
            StudioError: the records cannot be read; it says why.
        """
        with self._trouble_said(), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session that holds the write lock from its first statement on and commits at the end.

        Taking the lock at once means that what is read before a write cannot have changed by then,
        also where a second process works on the same data.

        Raises:
            StorageFull: the disk has no room for the records.
            StudioError: they cannot be written for another reason; it says which.
        """
        with self._trouble_said(), Session(self._writing) as session, session.begin():
            yield session

    def checkpoint(self) -> None:
        """Empty the write-ahead log, so that what was deleted is not in it any more."""
        if self._sqlite:
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _trouble_said(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.DatabaseError) as error:
            # raw where it happens while a connection is made
            cause = error.orig if isinstance(error, DBAPIError) else error
            code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise StorageFull("The disk is full: the records could not be written. Free some space.") from error
            if code not in _TROUBLE:
                raise
            raise StudioError(f"The records at {self.engine.url.database}: {_TROUBLE[code]}.") from error


def migrate(engine: Engine) -> None:
    """Bring the schema of `engine` to the newest revision; safe where two processes start at once.

    Raises:
        StudioError: the records are of a revision this version does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StudioError(
            f"The records at {engine.url} were written by another version of Keepsake ({error}). Update Keepsake."
        ) from error


def _prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # Without this the driver begins transactions by itself, late and never IMMEDIATE; see `_begin`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
