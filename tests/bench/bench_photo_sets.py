"""Whether sets of photos that show different things are told from those of one thing.

    python -m tests.bench.bench_photo_sets --photos FOLDER [--out FILE.json]
    python -m tests.bench.bench_photo_sets --photos FOLDER --calibrate     # measures configs/one_subject.yaml again

The folder holds a folder of photos for every subject, as the DreamBooth set does. The threshold is the lowest likeness
of two photos of one subject, less a margin. Nothing is worse than doubting somebody's own dog, so the margin is as
large as is needed for this: with the threshold that the other subjects give, no set of the left out one is doubted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.matting import Matting, SubjectNotFoundError
from pipelines.recognition.looks import LookEncoder, crop
from pipelines.recognition.one_subject import DEFAULT_CONFIG, groups_alike, load_threshold
from pipelines.recognition.regions import box_of
from pipelines.resolver import resolve

MARGIN = 0.1
MIXED, SIZE = 500, 10
LARGEST = 5
EDGE = 2048  # as photos are kept


def looks_of(folder: Path) -> tuple[FloatArray, np.ndarray]:
    """Return looks [N, D] and subjects [N] of all photos in which a subject is found."""
    matting = Matting(resolve("u2netp"))
    encoder = LookEncoder(TinyVitEncoder(resolve("tinyvit")), ClipVisionEncoder(resolve("clip-vision")))
    looks, subjects = [], []
    for file in sorted(folder.glob("*/*.jpg")):
        with Image.open(file) as opened:
            photo = ImageOps.exif_transpose(opened).convert("RGB")
        photo.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
        try:
            box = box_of(matting.matte(photo).alpha)
        except SubjectNotFoundError as error:
            logging.warning("%s: %s", file, error)
            continue
        looks.append(encoder.embed([crop(photo, box)])[0])
        subjects.append(file.parent.name)
    return np.stack(looks), np.array(subjects)


def lowest(looks: FloatArray, subjects: np.ndarray) -> dict[str, float]:
    """Return for every subject the lowest likeness of two of its photos."""
    found = {}
    for subject in sorted(set(subjects)):
        own = looks[subjects == subject]
        found[subject] = float((own @ own.T)[np.triu_indices(len(own), 1)].min())
    return found


def sets_of(subjects: np.ndarray, subject: str) -> Iterator[list[int]]:
    """Give every set of 1–5 photos of a subject, as indices."""
    own = np.flatnonzero(subjects == subject).tolist()
    for size in range(1, LARGEST + 1):
        yield from map(list, itertools.combinations(own, size))


def doubted(looks: FloatArray, subjects: np.ndarray, subject: str, threshold: float) -> tuple[int, int]:
    """Return how many sets of a subject are taken for mixed, and how many there are."""
    sets = list(sets_of(subjects, subject))
    return sum(len(groups_alike(looks[chosen], threshold)) > 1 for chosen in sets), len(sets)


def measure(looks: FloatArray, subjects: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return the figures of a threshold, and of those that each subject was left out of."""
    least = lowest(looks, subjects)
    counts = [doubted(looks, subjects, subject, threshold) for subject in least]
    left_out = [
        doubted(looks, subjects, subject, min(value for other, value in least.items() if other != subject) - MARGIN)[0]
        for subject in least
    ]
    rng = np.random.default_rng(0)
    mixed = [
        len(groups_alike(looks[[rng.choice(np.flatnonzero(subjects == one)) for one in chosen]], threshold))
        for chosen in (rng.choice(sorted(least), SIZE, replace=False) for _ in range(MIXED))
    ]
    different = (looks @ looks.T)[subjects[:, None] != subjects[None]]
    return {
        "threshold": round(threshold, 4),
        "photos": len(looks),
        "lowest likeness of one subject": round(min(least.values()), 4),
        "sets of one subject": sum(count for _, count in counts),
        "of them doubted": sum(count for count, _ in counts),
        "doubted by the threshold of the other subjects": sum(left_out),
        f"mixed sets of {SIZE}": len(mixed),
        "of them caught": sum(groups > 1 for groups in mixed),
        "fewest groups found in one": min(mixed),
        "pairs of different subjects told apart": round(float((different < threshold).mean()), 3),
    }


def main() -> None:
    """Measure, and write the threshold where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--calibrate", action="store_true", help=f"write {DEFAULT_CONFIG.name}")
    parser.add_argument("--out", type=Path, help="JSON file")
    options = parser.parse_args()
    looks, subjects = looks_of(options.photos)
    least = min(lowest(looks, subjects).values()) - MARGIN
    figures = measure(looks, subjects, least if options.calibrate else load_threshold())
    if options.calibrate:
        write(figures)
    for name, value in figures.items():
        print(f"{name:<50}{value:>10}")
    if options.out is not None:
        options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def write(figures: dict[str, Any], file: Path = DEFAULT_CONFIG) -> None:
    """Write a threshold with where it comes from."""
    lines = "".join(f"#   {name}: {value}\n" for name, value in figures.items() if name != "threshold")
    file.write_text(
        "# From which likeness on two photos may show one thing; written by\n"
        "#   python -m tests.bench.bench_photo_sets --photos FOLDER --calibrate\n"
        f"# as the lowest one between two photos of one subject, less {MARGIN}. On the photos of the DreamBooth set:\n"
        f"{lines}threshold: {figures['threshold']}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
