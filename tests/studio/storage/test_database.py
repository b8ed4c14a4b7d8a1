from __future__ import annotations

import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SAWarning

from studio.errors import StorageFull, StudioError
from studio.storage import pgvector
from studio.storage.database import MIGRATIONS, Database, migrate
from studio.storage.models import Base
from tests.studio.storage.conftest import ALL_KINDS
from tests.studio.storage.postgres import Server

Open = Callable[[], Database]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/folder/records.sqlite3"


@pytest.fixture
def sqlite(url: str) -> Iterator[Database]:
    """What is true of SQLite alone."""
    opened = Database(url)
    yield opened
    opened.close()


@ALL_KINDS
def test_the_migrated_schema_is_the_one_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_object": not_derived}
        context = MigrationContext.configure(connection, opts=opts)
        with warnings.catch_warnings(action="ignore", category=SAWarning):  # pgvector's type is not SQLAlchemy's
            assert compare_metadata(context, Base.metadata) == []
        for table in Base.metadata.tables.values():
            if table.name not in inspect(connection).get_table_names():
                pytest.fail(f"{table.name} is not migrated")
            assert table.columns.contains_column(table.c.owner)


def test_sqlite_is_set_up_for_two_processes_and_for_privacy(sqlite: Database) -> None:
    with sqlite.read() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1}


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database.engine)
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_pictures_of_before_there_were_scores_have_none(open_database: Open) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    database = open_database()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "r0006")
        connection.exec_driver_sql(
            "INSERT INTO pictures (id, owner, file, width, height, recipe, words, created_at) "
            "VALUES ('p', 'local', 'f', 1, 1, '{}', '', '2026-01-01')"
        )
    migrate(database.engine)
    with database.read() as session:
        assert session.execute(text("SELECT likeness, prompt_score FROM pictures")).one() == (None, None)


def test_records_of_a_newer_version_are_left_alone_with_a_sentence(open_database: Open) -> None:
    with open_database().write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(StudioError, match="another version of Keepsake"):
        open_database()


def test_what_fails_is_taken_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        session.execute(text(_CONCEPT))
        raise RuntimeError("half-way")
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM concepts")).scalar() == 0


def test_a_child_of_another_owner_is_impossible(database: Database) -> None:
    with database.write() as session:
        session.execute(text(_CONCEPT))
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(_FACT.replace("'local'", "'other'")), {"text": "text"})


def test_a_writer_holds_the_lock_from_its_first_statement_on(url: str, sqlite: Database) -> None:
    with sqlite.write() as session:
        session.execute(text("SELECT 1"))
        other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_writers_take_turns_and_the_second_reads_what_the_first_wrote(open_database: Open) -> None:
    first, second = open_database(), open_database()
    waiting, counted = threading.Event(), []

    def write_second() -> None:
        waiting.set()
        with second.write() as session:
            counted.append(session.execute(text("SELECT count(*) FROM concepts")).scalar())

    with first.write() as session:
        assert session.execute(text("SELECT count(*) FROM concepts")).scalar() == 0
        thread = threading.Thread(target=write_second)
        thread.start()
        assert waiting.wait(10)
        thread.join(0.3)
        assert not counted
        session.execute(text(_CONCEPT))
    thread.join(20)
    assert counted == [1]


def test_a_reader_sees_one_state_while_another_writes(open_database: Open) -> None:
    first, second = open_database(), open_database()
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM concepts")).scalar() == 0
        with second.write() as writing:
            writing.execute(text(_CONCEPT))
        assert session.execute(text("SELECT count(*) FROM concepts")).scalar() == 0
    with first.read() as session:
        assert session.execute(text("SELECT count(*) FROM concepts")).scalar() == 1


@ALL_KINDS
def test_records_of_before_keep_all_they_have(open_database: Open) -> None:
    database = open_database()
    with database.write() as session:
        session.execute(text(_CONCEPT))
        session.execute(text(_FACT), {"text": "likes rain"})
    with database.write() as session:
        migrate_to(session.connection(), "r0003")
        assert session.execute(text("SELECT * FROM facts")).one()[-2] == "likes rain"
        migrate_to(session.connection(), "head", up=True)
        assert session.execute(text("SELECT text, source FROM facts")).one() == ("likes rain", "said")
        assert session.execute(text("SELECT attributes, consent_at FROM concepts")).one() == ("", None)


def test_a_full_disk_is_said(sqlite: Database) -> None:
    with sqlite.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StorageFull, match="disk is full"), sqlite.write() as session:
        session.execute(text(f"PRAGMA max_page_count={pages}"))
        session.execute(text(_CONCEPT))
        session.execute(text(_FACT), {"text": "x" * 10**6})


def test_another_error_of_the_database_is_not_taken_for_a_full_disk(database: Database) -> None:
    with pytest.raises((OperationalError, ProgrammingError), match="nothing"), database.write() as session:
        session.execute(text("SELECT * FROM nothing"))


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite3").write_bytes(b"something else altogether, and long enough" * 40)
    with pytest.raises(StudioError, match=r"records\.sqlite3: this is not a database"):
        Database(f"sqlite:///{tmp_path}/records.sqlite3")


@pytest.mark.parametrize(
    ("code", "sentence"), [(sqlite3.SQLITE_IOERR_SHMSIZE, "full"), (sqlite3.SQLITE_READONLY, "right to")]
)
def test_what_the_machine_does_to_the_file_is_said(sqlite: Database, code: int, sentence: str) -> None:
    trouble = sqlite3.OperationalError("as the driver says it")
    trouble.sqlite_errorcode = code
    for taking in (sqlite.read, sqlite.write):
        with pytest.raises(StudioError, match=sentence), taking():
            raise OperationalError("SELECT 1", None, trouble)


def test_what_was_deleted_is_on_the_disk_no_more(tmp_path: Path, sqlite: Database) -> None:
    with sqlite.write() as session:
        session.execute(text(_CONCEPT.replace("'Bo'", "'a-word-found-nowhere-else'")))
    with sqlite.write() as session:
        session.execute(text("DELETE FROM concepts"))
    sqlite.checkpoint()
    for path in (tmp_path / "folder").iterdir():
        assert b"a-word-found-nowhere-else" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://keepsake@/nobody?host={folder}", "cannot be reached"),
        ("postgresql://keepsake:a-secret@127.0.0.1:1/nobody", "cannot be reached .*refused"),
        ("mysql://localhost/records", "SQLite or PostgreSQL, not in 'mysql'"),
        ("no url at all", "database_url is no URL"),
    ],
)
def test_a_database_that_cannot_be_had_is_said(tmp_path: Path, url: str, sentence: str) -> None:
    with pytest.raises(StudioError, match=sentence) as told:
        Database(url.format(folder=tmp_path))
    assert "a-secret" not in str(told.value)


def test_a_database_that_was_not_made_is_said(postgres: Server) -> None:
    url = postgres.new_records()
    with pytest.raises(StudioError, match=r"database \"nothing\" does not exist.*createdb"):
        Database(url.replace("/postgres?", "/nothing?"))


def not_derived(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Leave out what is made beside the migrations, from what they made."""
    return (name, kind) != (pgvector.TABLE, "table")


def migrate_to(connection: Connection, revision: str, *, up: bool = False) -> None:
    """Bring the schema up or down to a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, revision)


_FACT = (
    "INSERT INTO facts (id, concept_id, owner, position, text, added_at) "
    "VALUES ('f', 'c', 'local', 0, :text, '2026-01-01')"
)
_CONCEPT = (
    "INSERT INTO concepts (id, owner, name, handle, kind, created_at) "
    "VALUES ('c', 'local', 'Bo', 'bo', 'dog', '2026-01-01')"
)
