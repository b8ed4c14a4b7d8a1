"""The records' database: connection, transactions, and the schema brought up to date at start."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from studio.errors import StorageFull, StudioError
from studio.storage import pgvector
from studio.storage.nearest import SUPPORT

logger = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"
_WRITING = "keepsake_writing"
_BUSY_SECONDS = 30
_LOCK = 7_301_984_026  # of PostgreSQL's advisory locks, the one that writers take turns at
_SQLITE: dict[str, Any] = {"connect_args": {"timeout": _BUSY_SECONDS}}
_POSTGRESQL: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": _BUSY_SECONDS}}
_FULL = "full"
# What the machine can do to a file, by SQLite's primary result codes; all else is a bug of ours.
_TROUBLE = {
    sqlite3.SQLITE_BUSY: "another program has held them for too long. Close it and try again.",
    sqlite3.SQLITE_READONLY: "they cannot be written. Give this account the right to, or choose another --data-dir.",
    sqlite3.SQLITE_IOERR: "the disk is full or fails. Free some space and try again.",
    sqlite3.SQLITE_CORRUPT: "they are damaged. Take them from a backup, or move them away to begin anew.",
    sqlite3.SQLITE_CANTOPEN: "they cannot be opened. Look at the rights of their folder and at the free space.",
    sqlite3.SQLITE_NOTADB: "this is not a database. Move it away to begin anew.",
}
# The same by PostgreSQL's SQLSTATE, or the class that it begins with.
_POSTGRESQL_TROUBLE = {
    "08": "the database server does not answer any more. Start it and try again.",
    "42501": "this user may not write there. Give it the rights, or choose another in database_url.",
    "57": "the database server was stopped. Start it and try again.",
}


class Database:
    """Opens the database at `url` (SQLAlchemy's form) and migrates it to the newest schema.

    SQLite and PostgreSQL behave alike: readers see one state of the records, writers take turns.

    Attributes:
        vectors: whether the database itself compares looks.

    Raises:
        StudioError: the database cannot be opened; it says why.
    """

    vectors: pgvector.VectorSupport

    def __init__(self, url: str) -> None:
        location = _location(url)
        self._sqlite = _is_sqlite(location)
        if self._sqlite and location.database:
            Path(location.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _engine(location)
        if self._sqlite:
            event.listen(self.engine, "connect", _prepare)
            self._reading = self.engine
        else:
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ")
        event.listen(self.engine, "begin", _begin_sqlite if self._sqlite else _begin_postgresql)
        self._writing = self.engine.execution_options(**{_WRITING: True})
        with _trouble_said(self.engine):
            migrate(self._writing)
            self.vectors = pgvector.IN_PROCESS if self._sqlite else self._prepare_vectors()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for reading.

        Raises:
            StudioError: the records cannot be read; it says why.
        """
        with _trouble_said(self.engine), Session(self._reading, info={SUPPORT: self.vectors}) as session:
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
        with (
            _trouble_said(self.engine),
            Session(self._writing, info={SUPPORT: self.vectors}) as session,
            session.begin(),
        ):
            yield session

    def checkpoint(self) -> None:
        """Empty SQLite's write-ahead log, so that what was deleted is not in it any more.

        PostgreSQL overwrites what was deleted when its own vacuum comes by; no client can wipe its log.
        """
        if self._sqlite:
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _prepare_vectors(self) -> pgvector.VectorSupport:
        with self._writing.begin() as connection:
            support = pgvector.prepare(connection)
        if support.schema is None:
            logger.info("Looks are compared without pgvector: %s.", support.said)
        return support


def describe_records(url: str) -> str:
    """Say in a few words what keeps the records at `url`; changes nothing, and asks a server where there is one.

    Raises:
        StudioError: the server cannot be reached.
    """
    location = _location(url)
    if _is_sqlite(location):
        return f"SQLite, {location.database}"
    engine = _engine(location)
    try:
        with _trouble_said(engine), engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar()
            support = pgvector.find(connection)
    finally:
        engine.dispose()
    return f"PostgreSQL {version}, {support.said}"


@contextmanager
def _trouble_said(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        # raw where it happens while a connection is made
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = _sqlite_trouble(cause) if _is_sqlite(engine.url) else _postgresql_trouble(cause)
        if said is None:
            raise
        if said is _FULL:
            raise StorageFull("The disk is full: the records could not be written. Free some space.") from error
        raise StudioError(f"The records at {engine.url.database}: {said}") from error


def _is_sqlite(location: URL) -> bool:
    return location.get_backend_name() == "sqlite"


def _engine(location: URL) -> Engine:
    try:
        return create_engine(location, **(_SQLITE if _is_sqlite(location) else _POSTGRESQL))
    except ModuleNotFoundError as error:
        raise StudioError(
            f"{location.get_backend_name()} needs {error.name}: pip install -r requirements-postgres.txt"
        ) from error


def _location(url: str) -> URL:
    try:
        location = make_url(url)
    except ArgumentError as error:
        raise StudioError("database_url is no URL of a database, such as postgresql://user@host/keepsake.") from error
    backend = location.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StudioError(f"Records can be kept in SQLite or PostgreSQL, not in {backend!r}; see database_url.")
    # one driver is tested, so a plain URL means it
    return location.set(drivername="postgresql+psycopg") if location.drivername == "postgresql" else location


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


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITING, False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _sqlite_trouble(cause: BaseException | None) -> str | None:
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    return _FULL if code == sqlite3.SQLITE_FULL else _TROUBLE.get(code)


def _postgresql_trouble(cause: BaseException | None) -> str | None:
    """Say what is wrong by PostgreSQL's SQLSTATE; errors of connecting have none, but a reason in words."""
    state = getattr(cause, "sqlstate", None)
    if state is None:
        if type(cause).__name__ not in ("OperationalError", "ConnectionTimeout"):
            return None
        reason = " ".join(str(cause).splitlines()[0].rpartition("failed: ")[2].split())
        return f"the database cannot be reached ({reason}). Is the server running, was createdb run, is the URL right?"
    return _FULL if state == "53100" else _POSTGRESQL_TROUBLE.get(state) or _POSTGRESQL_TROUBLE.get(state[:2])
