"""The search of `studio.storage.nearest` by sqlite-vec, in a database beside the records; only the bench uses it.

`pip install sqlite-vec` brings the extension. Where this Python's own sqlite3 was built without loading extensions,
`pip install pysqlite3-binary` brings one that can.

Shape legend: V vectors, D width of a vector.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Every owner has chunks of their own, which take their full size at once: at the default of 1024 a million vectors of
# owners with 200 each would take five times the room.
_CHUNK = 64
_INT8_SCALE = 1000.0  # of numbers around 0.03
_TABLES = {
    "float": "CREATE VIRTUAL TABLE looks USING vec0(owner TEXT PARTITION KEY, vector float[{width}] "
    "distance_metric=cosine, +concept TEXT, chunk_size={chunk})",
    "int8": "CREATE VIRTUAL TABLE looks USING vec0(owner TEXT PARTITION KEY, vector int8[{width}] "
    "distance_metric=cosine, +concept TEXT, chunk_size={chunk})",
    "functions": "CREATE TABLE looks (owner TEXT, vector BLOB, concept TEXT)",
}
_INSERT = "INSERT INTO looks (owner, vector, concept) VALUES (?, {vector}, ?)"
_BY_TABLE = "SELECT concept FROM looks WHERE vector MATCH {vector} AND owner = ? AND k = ? ORDER BY distance"
_BY_FUNCTION = (
    "SELECT concept FROM looks WHERE owner = ?2 GROUP BY concept ORDER BY min(vec_distance_cosine(vector, ?1)) LIMIT ?3"
)
WAYS = tuple(_TABLES)


class SqliteVecMissing(Exception):
    """sqlite-vec cannot be used here; it says why."""


class SqliteVecSearch:
    """Vectors of many owners and the search for the nearest concepts of one.

    Args:
        file: of the database; created.
        width: D.
        way: float or int8 (tables of the extension, partitioned by owner) or functions (float32 in a plain table,
            compared by the extension's functions). The extension has no half precision.

    Raises:
        SqliteVecMissing: the extension, or a sqlite3 that loads it, is missing.
    """

    def __init__(self, file: Path, *, width: int, way: str) -> None:
        self._way = way
        self._vector = "vec_int8(?)" if way == "int8" else "?"
        self._connection = _connect(file)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(_TABLES[way].format(width=width, chunk=_CHUNK))
        if way == "functions":
            self._connection.execute("CREATE INDEX by_owner ON looks (owner)")

    def add(self, vectors: Iterable[tuple[str, str, NDArray[np.float16]]]) -> None:
        """Store vectors [D], each with its owner and concept."""
        rows = ((owner, self._bytes(vector), concept) for owner, concept, vector in vectors)
        with self._connection:
            self._connection.executemany(_INSERT.format(vector=self._vector), rows)

    def nearest(
        self, owner: str, places: Sequence[NDArray[np.float16]], *, count: int, vectors: int
    ) -> list[list[str]]:
        """Return the ids of the nearest concepts for each place, at least `count`, the nearest first.

        Args:
            owner: whose concepts.
            places: vectors [D].
            count: of concepts, where there are as many.
            vectors: that a concept has at most; so many times more are asked for, as the table knows no concepts.
        """
        if self._way == "functions":
            return [self._ids(_BY_FUNCTION, (self._bytes(place), owner, count)) for place in places]
        asked = _BY_TABLE.format(vector=self._vector)
        return [self._ids(asked, (self._bytes(place), owner, count * vectors)) for place in places]

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _ids(self, statement: str, values: tuple[Any, ...]) -> list[str]:
        return list(dict.fromkeys(concept for (concept,) in self._connection.execute(statement, values)))

    def _bytes(self, vector: NDArray[np.float16]) -> bytes:
        if self._way == "int8":
            return np.clip(np.round(vector.astype(np.float32) * _INT8_SCALE), -127, 127).astype(np.int8).tobytes()
        return vector.astype(np.float32).tobytes()


def missing() -> str | None:
    """Say why sqlite-vec cannot be used here; None: it can."""
    try:
        _connect(Path(":memory:")).close()
    except SqliteVecMissing as error:
        return str(error)
    return None


def _connect(file: Path) -> Any:
    extension = _module("sqlite_vec")
    if extension is None:
        raise SqliteVecMissing("sqlite-vec was not measured: pip install sqlite-vec brings it.")
    for name in ("sqlite3", "pysqlite3"):
        driver = _module(name)
        if driver is not None and hasattr(driver.Connection, "enable_load_extension"):
            connection = driver.connect(str(file))
            connection.enable_load_extension(True)
            extension.load(connection)
            return connection
    raise SqliteVecMissing(
        "sqlite-vec was not measured: this Python's sqlite3 was built without loading extensions; "
        "pip install pysqlite3-binary brings one that can."
    )


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
