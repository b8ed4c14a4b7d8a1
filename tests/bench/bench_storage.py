"""What looking up the looks of one owner costs, by how many looks of all owners there are.

    python -m tests.bench.bench_storage [--rows 1000 100000 1000000] [--own 300] [--url URL] [--out FILE.json]

The owner always has `--own` looks; all others belong to owners with as many each. A look has the size of the shipped
recognition model's (4352 bytes) unless `--bytes` says otherwise: a million of those are 4.4 GB. Timed is a session
with what recognition asks for, `LookRepository.all`, warm, the median of `--repeats`; beside it the same without the
index, that is, what a scan of everybody's looks costs.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, insert, select

from studio.storage.database import Database
from studio.storage.examples import LookRepository
from studio.storage.models import ConceptRow, LookRow

LOOK_BYTES = 2 * 1088 * 2
MODEL = "bench"
OWNER = "owner-0"
_BATCH = 2000


def fill(database: Database, *, rows: int, own: int, size: int) -> None:
    """Store `rows` looks of `size` bytes, `own` for each owner, the owners' looks mixed as time would mix them."""
    owners = max(1, rows // own)
    now = datetime.now(UTC)
    concepts = [
        {"id": f"c{number}", "owner": f"owner-{number}", "name": "Bo", "handle": "bo", "kind": "dog", "created_at": now}
        for number in range(owners)
    ]
    with database.write() as session:
        for start in range(0, owners, _BATCH):
            session.execute(insert(ConceptRow), concepts[start : start + _BATCH])
        for batch in _batches(rows, owners, size):
            session.execute(insert(LookRow), batch)


def _batches(rows: int, owners: int, size: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, rows, _BATCH):
        pool = secrets.token_bytes(size + _BATCH)
        yield [
            {
                "of": f"{number:032x}",
                "model": MODEL,
                "concept_id": f"c{number % owners}",
                "owner": f"owner-{number % owners}",
                "data": pool[number - start : number - start + size],
            }
            for number in range(start, min(rows, start + _BATCH))
        ]


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of a run, after one that warms up."""
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - began))
    return round(median(times), 3)


def measure(url: str, *, rows: int, own: int, size: int, repeats: int) -> dict[str, Any]:
    """Fill the database at `url` and return what a search in it costs."""
    database = Database(url)
    began = time.perf_counter()
    fill(database, rows=rows, own=own, size=size)
    filled = time.perf_counter() - began

    def search() -> None:
        with database.read() as session:
            assert len(LookRepository(session).all(OWNER, MODEL)) >= own

    def scan() -> None:
        # an expression has no index
        with database.read() as session:
            session.scalar(select(func.count()).where(LookRow.owner.concat("") == OWNER))

    figures = {
        "rows": rows,
        "own": own,
        "bytes": size,
        "search_ms": milliseconds(search, repeats),
        "scan_ms": milliseconds(scan, max(1, repeats // 5)),
        "fill_s": round(filled, 1),
    }
    database.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--own", type=int, default=300)
    parser.add_argument("--bytes", type=int, default=LOOK_BYTES)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--url", help="of an empty PostgreSQL database for one number of rows; else SQLite files")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.url and len(given.rows) > 1:
        parser.error("--url takes one number of --rows, since its database has to be empty")
    figures = []
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            url = given.url or f"sqlite:///{folder}/records.sqlite3"
            figures.append(measure(url, rows=rows, own=given.own, size=given.bytes, repeats=given.repeats))
        print(json.dumps(figures[-1]), flush=True)
    if given.out:
        text = json.dumps({"cpus": os.cpu_count(), "figures": figures}, indent=2)
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
