"""Cards of other things: pictures of a folder, or individuals of the training corpus, one picture of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

EDGE = 512
OBJECT = "3d-"  # what the names of 3D objects begin with, see `pipelines.mini.data.objects3d`
_GROUND = (236, 232, 226)


def distractor_pictures(folder: Path) -> Iterator[Image.Image]:
    """Give a picture of each other thing.

    Args:
        folder: of PNG or JPEG files; or of the corpus (``identities.npy``), of which those individuals come first that
            are 3D objects, as they are the most like photos.
    """
    if (folder / "identities.npy").is_file():
        yield from _individuals(folder)
        return
    for file in sorted([*folder.rglob("*.png"), *folder.rglob("*.jpg")]):
        with Image.open(file) as opened:
            yield opened.convert("RGB")


def _individuals(folder: Path) -> Iterator[Image.Image]:
    lines = (folder / "identities.jsonl").read_text(encoding="utf-8").splitlines()
    first: dict[str, int] = {}
    for row, line in enumerate(lines):
        record = json.loads(line)
        if record["alone"] and record["identity"] not in first:
            first[record["identity"]] = row
    order = np.random.default_rng(0).permutation(sorted(first)).tolist()
    order.sort(key=lambda name: not name.startswith(OBJECT))
    pixels = np.load(folder / "identities.npy", mmap_mode="r")
    for name in order:
        drawing = Image.fromarray(np.array(pixels[first[name]]), "RGBA").resize((EDGE, EDGE), Image.Resampling.LANCZOS)
        picture = Image.new("RGB", drawing.size, _GROUND)
        picture.paste(drawing, mask=drawing)
        yield picture
