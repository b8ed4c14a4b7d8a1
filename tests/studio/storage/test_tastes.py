from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from studio.domain.taste import TasteProfile, TasteVersion
from studio.storage.database import MIGRATIONS, Database, migrate
from studio.storage.tastes import TasteRepository

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RED, BLUE = {"warmth": 0.5}, {"warmth": -0.5}


def taste(id: str, owner: str, *, since: datetime | None = NOW) -> TasteProfile:
    version = TasteVersion(number=1, made_at=NOW, why="begun", learned=b"all that was seen")
    return TasteProfile(
        id=id, name=id, handle=id, created_at=NOW, version=version, sharing_since=since, owner=owner
    )  # fmt: skip


@pytest.fixture
def five(database: Database) -> Database:
    """Nik and Ana of one owner, two tastes of Eva, and Tom, who does not share."""
    with database.write() as session:
        tastes = TasteRepository(session)
        for id, owner in (("nik", "local"), ("ana", "local"), ("eva", "eva"), ("eva2", "eva")):
            tastes.add(taste(id, owner))
            tastes.lend(id, RED if id in ("nik", "eva") else BLUE, "m1", owner)
        tastes.add(taste("tom", "tom", since=None))
    return database


def test_consent_and_what_is_lent_come_back(five: Database) -> None:
    with five.read() as session:
        tastes = TasteRepository(session)
        nik, tom = tastes.find("nik", "local"), tastes.find("tom", "tom")
        assert nik is not None and nik.sharing_since == NOW and tastes.lent("nik", "local") == RED
        assert tom is not None and tom.sharing_since is None and tastes.lent("tom", "tom") is None
        assert tastes.lent("nik", "eva") is None


def test_a_crowd_is_everybody_else_who_shares_one_list_a_person(five: Database) -> None:
    with five.read() as session:
        tastes = TasteRepository(session)
        assert sorted(map(len, tastes.crowd("nik", "m1", "local"))) == [1, 2]  # Ana; Eva with both of hers
        assert sorted(map(len, tastes.crowd("eva", "m1", "eva"))) == [1, 2]  # her own other one; Nik and Ana
        assert tastes.crowd("nik", "m2", "local") == []  # of an engine whose weights mean something else
        assert tastes.crowd("tom", "m1", "tom") == []
        assert tastes.crowd("nik", "m1", "eva") == []  # not Eva's


def test_withdrawn_and_deleted_are_gone_at_once(five: Database) -> None:
    with five.write() as session:
        tastes = TasteRepository(session)
        tastes.share("ana", None, "eva")  # not hers to withdraw
        assert tastes.crowd("nik", "m1", "local")
        tastes.share("ana", None, "local")
        tastes.delete("eva2", "eva")
    with five.read() as session:
        tastes = TasteRepository(session)
        assert tastes.crowd("nik", "m1", "local") == [[RED]] and tastes.crowd("ana", "m1", "local") == []
        kept = session.execute(text("SELECT sharing_since, lent, lent_model FROM taste_profiles WHERE id = 'ana'"))
        assert kept.one() == (None, None, None)


def test_nothing_lent_is_no_voice(five: Database) -> None:
    with five.write() as session:
        tastes = TasteRepository(session)
        tastes.lend("ana", None, "m1", "local")
        assert tastes.crowd("nik", "m1", "local") == [[RED, BLUE]]


def test_nobody_of_before_shares(open_database: Callable[[], Database]) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    database = open_database()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "r0008")
        connection.exec_driver_sql(
            "INSERT INTO taste_profiles (id, owner, name, handle, created_at, collecting) "
            "VALUES ('t', 'local', 'Nik', 'nik', '2026-01-01', '1')"
        )
    migrate(database.engine)
    with database.read() as session:
        assert session.execute(text("SELECT name, sharing_since, lent FROM taste_profiles")).one() == (
            "Nik",
            None,
            None,
        )
