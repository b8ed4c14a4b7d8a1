"""What the language model of a configuration suggests as titles of posters, for reading, and how long it takes.

python -m tests.bench.bench_titles                                          # the shipped model
python -m tests.bench.bench_titles --config configs/studio.smolvlm2.yaml    # another

Whether a title is of use is not for a program to say: it prints them all.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from studio.bootstrap import assistant_engine
from studio.config import load_config
from studio.engines.base import TitleTask
from studio.posters.templates import TEMPLATES

SHOWN = (
    ("Bo", "dog", ()),
    ("Misty", "cat", ("peace and quiet",)),
    ("", "a red rocket", ("fun",)),
)


def main() -> None:
    """Print titles and seconds."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--config", type=Path)
    asked.add_argument("--count", type=int, default=4)
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    config = load_config(given.config)
    engine = assistant_engine(config.engines.assistant, config.models)
    total, seconds = 0, []
    for template in TEMPLATES:
        for name, kind, tones in SHOWN:
            task = TitleTask(template=template, name=name, kind=kind, tones=tones, count=given.count, seed=given.seed)
            begun, worked = time.perf_counter(), time.process_time()
            titles = engine.titles(task, lambda _: None)
            seconds.append(time.perf_counter() - begun)
            total += len(titles)
            computed = time.process_time() - worked
            print(
                f"{template}, {name or kind}: {seconds[-1]:.1f} s, {computed:.1f} s of them on a processor", flush=True
            )
            print(*(f"    {title}" for title in titles), sep="\n")
    print(
        f"{total} of {len(seconds) * given.count} titles; {seconds[0]:.1f} s the first time, with loading the model, "
        f"then {min(seconds[1:]):.1f} to {max(seconds[1:]):.1f} s"
    )


if __name__ == "__main__":
    main()
