"""Seconds a picture on this machine, peak memory, and what the studio adds to the bare pipeline.

    python -m tests.bench.bench_speed [--model assets/mini] [--repeats 7] [--out FILE.json]

Both ways are warmed up, then run in turn, so that a busy machine slows both. The studio's time is that of a whole job:
queue, previews of every step, PNG, files and records. Memory is the highest resident set of the process so far.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml

from pipelines.mini.loading import load_pipeline
from pipelines.resolver import resolve
from studio.bootstrap import build_studio
from studio.config import ROOT, load_config
from studio.domain.generation import GenerateRequest
from studio.studio import Studio

PROMPT = "a dog wearing a crown, flat style"
STEPS = (4, 8, 30)


def seconds(run: Callable[[], object]) -> float:
    """Return how long one run takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def peak_megabytes() -> float:
    """Return the highest resident set of this process so far; Linux counts kibibytes, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def open_studio(model: Path, folder: Path, device: str) -> Studio:
    """Build a studio in `folder` that draws with `model`."""
    places = {"mini": model.resolve(), "minilm": resolve("minilm")}
    entries = {
        name: {"purpose": "bench", "licence": "Apache-2.0", "sources": [{"local": str(place)}]}
        for name, place in places.items()
    }
    catalogue = folder / "models.yaml"
    catalogue.write_text(yaml.safe_dump({"models": entries}))
    options = {"model": "mini", "models": str(catalogue), "device": device}
    engines = {"image": {"name": "diffusers", "options": options}, "subject": {"name": "fake"}}
    return build_studio(load_config(ROOT / "configs" / "studio.yaml", data_dir=folder / "data", engines=engines))


def measure(model: Path, repeats: int, device: str) -> dict[str, Any]:
    """Time both ways at every number of steps."""
    empty = peak_megabytes()
    loading = time.perf_counter()
    pipeline = load_pipeline(model, resolve("minilm"), device=device)
    loading = time.perf_counter() - loading

    def bare(steps: int, count: int = 1) -> None:
        pipeline([PROMPT] * count, num_inference_steps=steps, guidance_scale=1.5, seeds=list(range(count)))

    rows: dict[str, dict[str, float]] = {}
    for steps in STEPS:
        bare(steps)
        rows[str(steps)] = {
            "pipeline": median(seconds(partial(bare, steps)) for _ in range(repeats)),
            "pipeline, 4 at once": median(seconds(partial(bare, steps, 4)) for _ in range(repeats // 2 + 1)) / 4,
        }
    memory = {"before loading, MB": empty, "after drawing, MB": peak_megabytes()}
    with tempfile.TemporaryDirectory() as folder:
        studio = open_studio(model, Path(folder), device)
        try:
            for steps in STEPS:
                rows[str(steps)] |= compare(studio, bare, steps, repeats)
        finally:
            studio.close()
    result = {"model": str(model), "device": device, "threads": torch.get_num_threads(), "cores": os.cpu_count()}
    rounded = {steps: {name: round(value, 3) for name, value in row.items()} for steps, row in rows.items()}
    return {**result, "seconds to load": round(loading, 2), "memory": memory, "seconds a picture": rounded}


def compare(studio: Studio, bare: Callable[[int], None], steps: int, repeats: int) -> dict[str, float]:
    """Time a job of the studio and the bare call in turn; returns the job's median and the median of the ratios."""
    request = GenerateRequest(prompt=PROMPT, steps=steps, guidance=1.5, seed=0)

    def whole() -> None:
        studio.generation.start(request).result()

    whole()
    times = [(seconds(whole), seconds(lambda: bare(steps))) for _ in range(repeats)]
    return {
        "studio": median(job for job, _ in times),
        "studio ÷ pipeline": median(job / alone for job, alone in times),
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{result['model']} on {result['device']}, {result['threads']} threads of {result['cores']} cores")
    print(f"loading: {result['seconds to load']} s; " + "; ".join(f"{k}: {v}" for k, v in result["memory"].items()))
    rows = result["seconds a picture"]
    print(f"\n{'steps':<8}" + "".join(f"{name:>22}" for name in next(iter(rows.values()))))
    for steps, row in rows.items():
        print(f"{steps:<8}" + "".join(f"{value:>22.3f}" for value in row.values()))


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("assets/mini"))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    result = measure(options.model, options.repeats, options.device)
    show(result)
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
