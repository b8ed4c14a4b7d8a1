"""Which concepts of an owner look most like some places, exactly: compared in this process, or by pgvector.

Both ways take the inner product of every look of the owner with every place, so their answers are the same.

Shape legend: Q places that are asked about, V vectors of looks, C concepts, D width of a vector.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from studio.storage.models import ExampleRow, LookRow
from studio.storage.pgvector import TABLE, VectorSupport

SUPPORT = "vectors"  # in a session's `info`: the database's `VectorSupport`
_BATCH = 2000
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_END = struct.pack(">h", -1)


@dataclass(frozen=True, kw_only=True)
class LookQuery:
    """What is asked.

    Attributes:
        model: of the looks.
        width: numbers in a vector, D; a look is one or more rows of float16 [D].
        places: Q looks of one row each.
        count: how many concepts are wanted for each place, at least.
        least: all concepts with an inner product of at least this much are wanted too.
    """

    model: str
    width: int
    places: Sequence[bytes]
    count: int
    least: float


class LookSearch(Protocol):
    """Finds concepts by what they look like; looks that somebody said are *not* a concept do not count for it."""

    def ready(self, owner: str, model: str) -> bool:
        """Say whether all looks of `owner` would be found."""

    def prepare(self, owner: str, model: str, width: int) -> None:
        """Make some looks of `owner` that would not be found ready, so many that other writers get their turn soon.

        The session must be one for writing.
        """

    def nearest(self, owner: str, query: LookQuery) -> list[list[str]]:
        """Return the ids of the nearest concepts for each place, the nearest first."""


def search_in(session: Session) -> LookSearch:
    """Return the search that the database of a session makes possible."""
    support: VectorSupport = session.info[SUPPORT]
    return ReadingSearch(session) if support.schema is None else PgvectorSearch(session, support.schema)


class ReadingSearch:
    """Reads all looks of the owner and compares them in this process."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ready(self, owner: str, model: str) -> bool:
        """All looks are."""
        return True

    def prepare(self, owner: str, model: str, width: int) -> None:
        """There is nothing to prepare."""

    def nearest(self, owner: str, query: LookQuery) -> list[list[str]]:
        """See `LookSearch.nearest`."""
        asked = select(LookRow.concept_id, LookRow.data).where(LookRow.owner == owner, LookRow.model == query.model)
        shown = asked.where(LookRow.of.not_in(_not_shown(owner)))
        places = _vectors(query.places, query.width)
        concepts: list[str] = []
        alike: list[NDArray[np.float32]] = []
        for rows in self._session.execute(shown, execution_options={"yield_per": _BATCH}).partitions():
            concepts += [concept for concept, data in rows for _ in range(len(data) // (2 * query.width))]
            alike.append(_vectors([data for _, data in rows], query.width) @ places.T)
        if not concepts:
            return [[] for _ in query.places]
        ids, of = np.unique(concepts, return_inverse=True)
        best = np.full((len(ids), len(places)), -np.inf, np.float32)
        np.maximum.at(best, of, np.concatenate(alike))
        return [_ranked(ids, best[:, place], query) for place in range(len(places))]


class PgvectorSearch:
    """Lets the database compare; only ids of concepts leave it.

    Args:
        session: of a database with pgvector.
        schema: the one that its types are in, quoted for SQL.
    """

    def __init__(self, session: Session, schema: str) -> None:
        self._session = session
        self._schema = schema

    def ready(self, owner: str, model: str) -> bool:
        """Say whether all looks have vectors."""
        return not self._missing(owner, model, limit=1)

    def prepare(self, owner: str, model: str, width: int) -> None:
        """Copy a batch of looks that have no vectors yet."""
        missing = self._missing(owner, model, limit=_BATCH)
        driver: Any = self._session.connection().connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {TABLE} (of, model, number, owner, vector) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.write(_COPY_HEADER)
            for of, data in missing:
                copy.write(b"".join(_copied(of, model, owner, _halves([data], width))))
            copy.write(_COPY_END)

    def nearest(self, owner: str, query: LookQuery) -> list[list[str]]:
        """See `LookSearch.nearest`."""
        found: list[list[str]] = [[] for _ in query.places]
        if not found:
            return found
        places = [str(place.tolist()) for place in _vectors(query.places, query.width)]
        asked = {"owner": owner, "model": query.model, "count": query.count, "least": query.least}
        rows = self._session.execute(text(_NEAREST.format(schema=self._schema)), asked | {"places": places})
        for place, concept in rows:
            found[place - 1].append(concept)
        return found

    def _missing(self, owner: str, model: str, limit: int) -> Sequence[Any]:
        return self._session.execute(text(_MISSING), {"owner": owner, "model": model, "limit": limit}).all()


_MISSING = (
    "SELECT l.of, l.data FROM looks l WHERE l.owner = :owner AND l.model = :model AND NOT EXISTS "
    f"(SELECT FROM {TABLE} v WHERE v.of = l.of AND v.model = l.model AND v.number = 0) LIMIT :limit"
)
# The places are parsed once. OFFSET 0 keeps the planner from carrying vectors through sorts and joins: what leaves the
# innermost query is one number for each vector and place.
_NEAREST = f"""
WITH places AS MATERIALIZED (
    SELECT number, words::{{schema}}.halfvec AS vector
    FROM unnest(CAST(:places AS text[])) WITH ORDINALITY AS given (words, number)
), looked AS (
    SELECT of, number, min(distance) AS distance
    FROM (
        SELECT v.of, p.number, v.vector OPERATOR({{schema}}.<#>) p.vector AS distance
        FROM {TABLE} v CROSS JOIN places p WHERE v.owner = :owner AND v.model = :model OFFSET 0
    ) compared
    GROUP BY of, number
), alike AS (
    SELECT looked.number, l.concept_id, min(looked.distance) AS distance
    FROM looked JOIN looks l ON l.of = looked.of AND l.model = :model
    WHERE l.owner = :owner
    AND NOT EXISTS (SELECT FROM examples e WHERE e.id = l.of AND e.owner = :owner AND NOT e.shows_it)
    GROUP BY looked.number, l.concept_id
), ranked AS (
    SELECT number, concept_id, distance,
        row_number() OVER (PARTITION BY number ORDER BY distance, concept_id) AS rank
    FROM alike
)
SELECT number, concept_id FROM ranked WHERE rank <= :count OR distance <= -:least ORDER BY number, rank
"""


def _not_shown(owner: str) -> Any:
    return select(ExampleRow.id).where(ExampleRow.owner == owner, ExampleRow.shows_it.is_(False))


def _vectors(looks: Sequence[bytes], width: int) -> NDArray[np.float32]:
    """Return the rows of looks, float32 [V, D]."""
    return _halves(looks, width).astype(np.float32)


def _halves(looks: Sequence[bytes], width: int) -> NDArray[np.float16]:
    return np.frombuffer(b"".join(looks), dtype=np.float16).reshape(-1, width)


def _ranked(ids: NDArray[Any], alike: NDArray[np.float32], query: LookQuery) -> list[str]:
    order = np.lexsort((ids, -alike))
    wanted = max(min(query.count, len(ids)), int((alike >= query.least).sum()))
    return [str(ids[one]) for one in order[:wanted]]


def _copied(of: str, model: str, owner: str, vectors: NDArray[np.float16]) -> Iterable[bytes]:
    """Write the vectors of a look as rows of PostgreSQL's binary COPY, a vector as pgvector's halfvec."""
    for number, vector in enumerate(vectors):
        numbers = struct.pack(">hh", len(vector), 0) + vector.astype(">f2").tobytes()
        fields = (of.encode(), model.encode(), struct.pack(">h", number), owner.encode(), numbers)
        yield struct.pack(">h", len(fields))
        for field in fields:
            yield struct.pack(">i", len(field)) + field
