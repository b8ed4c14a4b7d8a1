"""pgvector in a PostgreSQL database of records: whether it is there, and the table of vectors that it makes possible.

The vectors are a copy of what the looks hold, made where they are missing (see `studio.storage.nearest`), and go with
their looks by a foreign key. So the extension may come later, or go again, and nothing but speed changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

EXTENSION = "vector"
TABLE = "look_vectors"
_LEAST_VERSION = (0, 7)  # the first with half precision
_NOT_ALLOWED = "42501"
_NOT_INSTALLED = f"CREATE EXTENSION {EXTENSION}"


@dataclass(frozen=True, kw_only=True)
class VectorSupport:
    """Whether vectors can lie in the database.

    Attributes:
        schema: the one that pgvector's types are in, quoted for SQL; None: vectors are compared in this process.
        said: which pgvector it is, or why there is none.
    """

    schema: str | None
    said: str


IN_PROCESS = VectorSupport(schema=None, said="vectors are compared in this process")


def find(connection: Connection) -> VectorSupport:
    """Look for the extension; changes nothing."""
    installed = connection.execute(
        text(
            "SELECT e.extversion, quote_ident(n.nspname) FROM pg_extension e "
            "JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = :name"
        ),
        {"name": EXTENSION},
    ).one_or_none()
    if installed is not None:
        version, schema = installed
        if _numbers(version) < _LEAST_VERSION:
            return _without(f"pgvector {version} is too old: ALTER EXTENSION {EXTENSION} UPDATE needs 0.7 or newer")
        return VectorSupport(schema=schema, said=f"pgvector {version}")
    if _offered(connection):
        return _without(f"pgvector is offered but not installed; it is at the next start, or by {_NOT_INSTALLED}")
    return _without("the server does not offer pgvector")


def prepare(connection: Connection) -> VectorSupport:
    """Install the extension where that is possible and make the table; what fails is taken back and said.

    Args:
        connection: in a transaction that holds the writers' lock, so that two processes may start at once.
    """
    support = find(connection)
    if support.schema is None and not _offered(connection):
        return support
    try:
        with connection.begin_nested():
            if support.schema is None:
                connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}"))
                support = find(connection)
            if support.schema is not None:
                _make_table(connection, support.schema)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _NOT_ALLOWED:
            return _without(f"this user may not install pgvector; a superuser can: {_NOT_INSTALLED}")
        return _without(f"pgvector cannot be used ({' '.join(str(error.orig).split())})")
    return support


def _make_table(connection: Connection, schema: str) -> None:
    # where the extension was dropped and came back, the table stands there without its vectors
    complete = connection.scalar(
        text(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(:table) "
            "AND attname = 'vector' AND NOT attisdropped)"
        ),
        {"table": TABLE},
    )
    if complete:
        return
    connection.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
    # Beside the row and not in it, a vector costs a look-up of its own.
    connection.execute(
        text(
            f"CREATE TABLE {TABLE} (of VARCHAR(32) NOT NULL, model VARCHAR(200) NOT NULL, number SMALLINT NOT NULL, "
            f"owner VARCHAR(64) NOT NULL, vector {schema}.halfvec NOT NULL, PRIMARY KEY (of, model, number), "
            "CONSTRAINT fk_look_vectors_look FOREIGN KEY (of, model) REFERENCES looks (of, model) ON DELETE CASCADE) "
            "WITH (toast_tuple_target = 8160)"
        )
    )
    connection.execute(text(f"CREATE INDEX ix_look_vectors_owner_model ON {TABLE} (owner, model)"))


def _offered(connection: Connection) -> bool:
    offered = connection.scalar(
        text("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = :name)"), {"name": EXTENSION}
    )
    return bool(offered)


def _without(reason: str) -> VectorSupport:
    return VectorSupport(schema=None, said=reason)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
