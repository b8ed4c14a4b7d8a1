"""A corpus of mugs in a colour each: of seven drawings two are held out and one is in a style that is not trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.mini.data.writer import CorpusWriter

EDGE = 32
COLOURS = {
    "red": (220, 30, 30),
    "blue": (30, 40, 220),
    "yellow": (230, 220, 30),
    "green": (40, 190, 60),
    "black": (30, 30, 30),
}
# colour, style, split
INDEX = [
    ("red", "flat", "train"),
    ("blue", "flat", "train"),
    ("yellow", "flat", "train"),
    ("red", "modern", "train"),
    ("green", "flat", "test"),
    ("black", "flat", "test"),
    ("red", "comic", "train"),
]
OTHERS = INDEX[:2]


def _picture(number: int, colour: str) -> np.ndarray:
    picture = np.zeros((EDGE, EDGE, 4), np.uint8)
    x, y = 4 + number % 5, 4 + number % 3
    picture[y : y + 16, x : x + 18] = (*COLOURS[colour], 255)
    return picture


def write_corpus(folder: Path) -> Path:
    for place, part in enumerate(("index", "recolours", "scenes", "identities")):
        rows = INDEX if part == "index" else OTHERS
        with CorpusWriter(folder, part, len(rows), EDGE) as writer:
            for number, (colour, style, split) in enumerate(rows):
                named = f"{colour} mug"
                captions = [f"a {named}", named, f"a sticker of a {named}", "mug", "a mug, flat style"]
                record = {"split": split, "style": style, "captions": captions if part != "scenes" else captions[:1]}
                record |= {"concept": named if part == "scenes" else f"code-{colour}", "group": "objects"}
                record |= {"names": [named]} if part == "index" else {"kind": "hat"}
                writer.add(_picture(number + 3 * place, colour), record)
    for part in ("scenes_sketches", "identities_sketches"):
        with CorpusWriter(folder, part, len(OTHERS), EDGE) as writer:
            for number in range(len(OTHERS)):
                writer.add(_picture(number + 5, "black"), {})
    return folder
