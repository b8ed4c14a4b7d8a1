from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from studio.errors import StorageFull, StudioError
from studio.storage.database import MIGRATIONS, Database, migrate
from studio.storage.models import Base


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/folder/records.sqlite3"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def test_the_migrated_schema_is_the_one_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        for table in Base.metadata.tables.values():
            if table.name not in inspect(connection).get_table_names():
                pytest.fail(f"{table.name} is not migrated")
            assert table.columns.contains_column(table.c.owner)


def test_sqlite_is_set_up_for_two_processes_and_for_privacy(database: Database) -> None:
    with database.read() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1}


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database.engine)
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_pictures_of_before_there_were_scores_have_none(url: str, database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
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


def test_records_of_a_newer_version_are_left_alone_with_a_sentence(url: str, database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(StudioError, match="another version of Keepsake"):
        Database(url)


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
        session.execute(text("INSERT INTO facts VALUES ('f', 'c', 'other', 0, 'text', '2026-01-01')"))


def test_a_writer_holds_the_lock_from_its_first_statement_on(url: str, database: Database) -> None:
    with database.write() as session:
        session.execute(text("SELECT 1"))
        other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_full_disk_is_said(database: Database) -> None:
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StorageFull, match="disk is full"), database.write() as session:
        session.execute(text(f"PRAGMA max_page_count={pages}"))
        session.execute(text(_CONCEPT))
        session.execute(
            text("INSERT INTO facts VALUES ('f', 'c', 'local', 0, :text, '2026-01-01')"), {"text": "x" * 10**6}
        )


def test_another_error_of_the_database_is_not_taken_for_a_full_disk(database: Database) -> None:
    with pytest.raises(OperationalError), database.write() as session:
        session.execute(text("SELECT * FROM nothing"))


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite3").write_bytes(b"something else altogether, and long enough" * 40)
    with pytest.raises(StudioError, match=r"records\.sqlite3: this is not a database"):
        Database(f"sqlite:///{tmp_path}/records.sqlite3")


@pytest.mark.parametrize(
    ("code", "sentence"), [(sqlite3.SQLITE_IOERR_SHMSIZE, "full"), (sqlite3.SQLITE_READONLY, "right to")]
)
def test_what_the_machine_does_to_the_file_is_said(database: Database, code: int, sentence: str) -> None:
    trouble = sqlite3.OperationalError("as the driver says it")
    trouble.sqlite_errorcode = code
    for taking in (database.read, database.write):
        with pytest.raises(StudioError, match=sentence), taking():
            raise OperationalError("SELECT 1", None, trouble)


def test_what_was_deleted_is_on_the_disk_no_more(tmp_path: Path, database: Database) -> None:
    with database.write() as session:
        session.execute(text(_CONCEPT.replace("'Bo'", "'a-word-found-nowhere-else'")))
    with database.write() as session:
        session.execute(text("DELETE FROM concepts"))
    database.checkpoint()
    for path in (tmp_path / "folder").iterdir():
        assert b"a-word-found-nowhere-else" not in path.read_bytes(), path


_CONCEPT = (
    "INSERT INTO concepts (id, owner, name, handle, kind, created_at) "
    "VALUES ('c', 'local', 'Bo', 'bo', 'dog', '2026-01-01')"
)
