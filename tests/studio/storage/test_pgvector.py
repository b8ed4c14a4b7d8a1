from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from studio.errors import StudioError
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database, describe_records
from studio.storage.examples import LookRepository
from studio.storage.pgvector import TABLE
from tests.studio.storage.postgres import Server
from tests.studio.storage.test_nearest import add, found, query, rows


@pytest.fixture
def fresh(vector_postgres: Server) -> Iterator[str]:
    """The name of a database in which pgvector is not installed yet."""
    yield vector_postgres.new_database()


def opened(url: str) -> Database:
    database = Database(url)
    database.close()
    return database


def count(database: Database) -> int:
    with database.read() as session:
        return session.execute(text(f"SELECT count(*) FROM {TABLE}")).scalar_one()


def test_a_user_with_the_right_gets_it_at_the_start(vector_postgres: Server, fresh: str) -> None:
    url = vector_postgres.url(fresh, "keepsake")
    assert "offered but not installed" in describe_records(url)
    assert opened(url).vectors.said.startswith("pgvector 0.")
    assert opened(url).vectors.schema == "public"
    assert "pgvector 0." in describe_records(url)


def test_without_the_right_all_works_and_it_is_said_once(
    vector_postgres: Server, fresh: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "studio")
    database = Database(vector_postgres.url(fresh, "visitor"))
    add(database, "bo", rows(0.5))
    assert found(database, query(rows(1))) == [["bo"]]
    assert database.vectors.schema is None
    said = [record.getMessage() for record in caplog.records if "pgvector" in record.getMessage()]
    assert said == [
        "Looks are compared without pgvector: this user may not install pgvector; a superuser can: "
        "CREATE EXTENSION vector."
    ]
    database.close()


def test_a_server_that_does_not_offer_it_is_fine_too(
    vector_postgres: Server, fresh: str, caplog: pytest.LogCaptureFixture
) -> None:
    with vector_postgres.administration() as admin:
        if admin.info.server_version < 180000:
            pytest.skip("before PostgreSQL 18 a server cannot be told to look for its extensions elsewhere")
    url = vector_postgres.url(fresh, "keepsake", "-cextension_control_path%3D/nowhere")
    caplog.set_level(logging.INFO, "studio")
    assert opened(url).vectors.schema is None
    assert "the server does not offer pgvector" in caplog.text
    assert describe_records(url).startswith("PostgreSQL ") and "does not offer" in describe_records(url)


def test_what_comes_later_is_filled_with_what_was_there_before(vector_postgres: Server, fresh: str) -> None:
    url = vector_postgres.url(fresh, "visitor")
    before = Database(url)
    add(before, "bo", rows(0.5, 0.25))
    before.close()
    with vector_postgres.administration(fresh) as admin:
        admin.execute('CREATE SCHEMA "The extensions"; CREATE EXTENSION vector SCHEMA "The extensions"')
        admin.execute('GRANT USAGE ON SCHEMA "The extensions" TO visitor')
    after = Database(url)
    assert after.vectors.schema == '"The extensions"'
    assert count(after) == 0
    assert found(after, query(rows(1))) == [["bo"]]
    assert count(after) == 2
    after.close()


def test_what_went_and_came_back_is_filled_again(vector_postgres: Server, fresh: str) -> None:
    url = vector_postgres.url(fresh, "keepsake")
    first = Database(url)
    add(first, "bo", rows(0.5))
    assert found(first, query(rows(1))) == [["bo"]]
    first.close()
    with vector_postgres.administration(fresh) as admin:
        admin.execute("DROP EXTENSION vector CASCADE")
    again = Database(url)
    assert found(again, query(rows(1))) == [["bo"]]
    assert count(again) == 1
    again.close()


@pytest.mark.parametrize("way", ["concept", "look"])
def test_what_is_forgotten_is_in_the_vectors_no_more(vector_postgres: Server, way: str) -> None:
    database = Database(vector_postgres.new_records(vectors=True))
    add(database, "bo", rows(0.5, 0.5))
    add(database, "ana", rows(0.5))
    assert found(database, query(rows(1))) and count(database) == 3
    with database.write() as session:
        if way == "concept":
            ConceptRepository(session).delete("bo", "local")
        else:
            LookRepository(session).forget(["bo0"], "local")
    assert count(database) == 1
    database.close()


def test_starts_at_once_make_one_table(vector_postgres: Server, fresh: str) -> None:
    url = vector_postgres.url(fresh, "keepsake")
    said: list[str | None] = []
    threads = [threading.Thread(target=lambda: said.append(opened(url).vectors.schema)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said == ["public"] * 3


def test_the_records_are_described_or_it_is_said_why_not(vector_postgres: Server, tmp_path: object) -> None:
    assert describe_records(f"sqlite:///{tmp_path}/none.sqlite3") == f"SQLite, {tmp_path}/none.sqlite3"
    with pytest.raises(StudioError, match="createdb"):
        describe_records(vector_postgres.url("nothing", "visitor"))
