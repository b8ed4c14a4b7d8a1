"""A corpus of thirteen drawings, two held out and one in a style that is not trained: rectangles in a colour each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.mini.data.writer import CorpusWriter

EDGE = 32
COLOURS = {"red": (220, 30, 30), "blue": (30, 40, 220), "yellow": (230, 220, 30)}


def _picture(number: int) -> np.ndarray:
    picture = np.zeros((EDGE, EDGE, 4), np.uint8)
    x, y = 4 + number % 5, 4 + number % 3
    picture[y : y + 16, x : x + 18] = (*list(COLOURS.values())[number % 3], 255)
    return picture


def write_corpus(folder: Path) -> Path:
    for part, count in {"index": 7, "recolours": 2, "scenes": 2, "identities": 2}.items():
        with CorpusWriter(folder, part, count, EDGE) as writer:
            for number in range(count):
                colour = list(COLOURS)[number % 3]
                split = "test" if part == "index" and number in (4, 5) else "train"
                style = "comic" if number == 6 else "flat"
                captions = [
                    f"a {colour} mug",
                    f"{colour} mug",
                    f"a sticker of a {colour} mug",
                    "mug",
                    "a mug, flat style",
                ]
                record = {"split": split, "style": style, "captions": captions if part != "scenes" else captions[:1]}
                record["concept"] = f"{colour} mug" if part == "scenes" else f"code-{colour}"
                record |= {"names": [f"{colour} mug"]} if part == "index" else {"kind": "moved" if number else "hat"}
                writer.add(_picture(number), record)
    return folder
