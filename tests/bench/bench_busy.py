"""Seconds a picture while other programs keep cores busy, with torch's way of waiting and with ours.

    python -m tests.bench.bench_busy [--neighbours 0 1 2] [--repeats 5] [--out FILE.json]

A neighbour multiplies matrices on one core without a pause, as a browser's tab or a second program may. Each figure is
the median of the repeats in a process of its own, for the way of waiting (`pipelines/__init__.py`) is read when torch
is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

WAYS = {"torch's own": "300000", "the studio's": "1000"}  # spins before a thread sleeps; the first is the default
SPINS = "GOMP_SPINCOUNT"
PROMPT, STEPS = "a dog on the beach, soft style", 8
BUSY = "import numpy\na = numpy.ones((300, 300))\nwhile True: a @ a"


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Keep as many cores busy."""
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen([sys.executable, "-c", BUSY], env=alone) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def drawing_seconds(repeats: int) -> float:
    """Return the median over `repeats` pictures, after one to warm up."""
    from pipelines.mini.loading import load_pipeline
    from pipelines.resolver import resolve

    pipeline = load_pipeline(Path("assets/mini"), resolve("minilm"))
    pipeline.set_progress_bar_config(disable=True)
    found = []
    for seed in range(repeats + 1):
        began = time.perf_counter()
        pipeline([PROMPT], STEPS, seeds=[seed])
        found.append(time.perf_counter() - began)
    return median(found[1:])


def measured(way: str, repeats: int) -> float:
    """Return `drawing_seconds` of a process that waits in this way."""
    command = [sys.executable, "-m", "tests.bench.bench_busy", "--inner", "--repeats", str(repeats)]
    said = subprocess.run(command, env=os.environ | {SPINS: WAYS[way]}, check=True, capture_output=True, text=True)
    return float(said.stdout)


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        sys.stdout.write(f"{drawing_seconds(options.repeats)}\n")
        return
    found: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    for count in options.neighbours:
        with neighbours(count):
            for way in WAYS:
                found[way][str(count)] = round(measured(way, options.repeats), 3)
                print(f"{count} neighbours, waiting {way} way: {found[way][str(count)]:.2f} s a picture", flush=True)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
