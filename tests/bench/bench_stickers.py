"""What a sticker takes as SVG: seconds of one core for the tracing, and bytes.

python -m tests.bench.bench_stickers --pictures FOLDER
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from PIL import Image

from studio.domain.stickers import Messenger
from studio.packs.finishing import layered
from studio.packs.rules import RULES
from studio.packs.vector import svg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of PNGs, as `generate` writes them")
    seconds, sizes = [], []
    for path in sorted(parser.parse_args().pictures.glob("*.png")):
        with Image.open(path) as picture:
            layers = layered(picture)
        started = time.process_time()  # not the clock on the wall: other work on the machine does not count
        sizes.append(len(svg(layers, path.stem, RULES[Messenger.SVG].bytes_max)))
        seconds.append(time.process_time() - started)
        print(f"{path.name}: {seconds[-1]:.2f} s, {sizes[-1] / 1000:.0f} kB")
    print(
        f"{len(sizes)} stickers, median (largest): {statistics.median(seconds):.2f} ({max(seconds):.2f}) s, "
        f"{statistics.median(sizes) / 1000:.0f} ({max(sizes) / 1000:.0f}) kB"
    )


if __name__ == "__main__":
    main()
