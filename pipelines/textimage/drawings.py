"""The corpus as the text-image model reads it: pictures, and every text that is true of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import NEUTRAL_GROUND, on_ground
from pipelines.textimage.configuration import CorpusConfig

SOURCES = ("index", "recolours", "scenes")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One picture of the corpus.

    Attributes:
        source: which file of the corpus holds it: `index`, `recolours` or `scenes`.
        row: its row in that file.
        concept: what is drawn; held-out concepts are never trained on.
        style: the hand that drew it.
        split: `train`, `val` or `test`.
        names: short names, the best first.
        texts: everything else that is true of it, names included.
    """

    source: str
    row: int
    concept: str
    style: str
    split: str
    names: tuple[str, ...]
    texts: tuple[str, ...]


class Corpus:
    """A seeded choice of the corpus in a folder, with its pictures read on demand."""

    def __init__(self, folder: Path, config: CorpusConfig) -> None:
        """Read the indices.

        Args:
            folder: with `index.jsonl`/`index.npy` and, where the choice asks for them, `recolours` and `scenes`.
            config: which pictures, on which grounds.

        Raises:
            FileNotFoundError: a file of the corpus is not there.
        """
        self.config = config
        rng = np.random.default_rng(config.seed)
        self._pictures: dict[str, np.ndarray] = {}
        drawings: list[Drawing] = []
        for source, count in zip(SOURCES, (None, config.recolours, config.scenes), strict=True):
            if count != 0:
                self._pictures[source] = _open_pictures(folder, source)
                known = [drawing for drawing in _read_index(folder, source) if drawing.style in config.styles]
                drawings += _choose(known, count, rng)
        self.drawings = _keep_out(drawings, config)

    def picture(self, index: int) -> Image.Image:
        """Give the picture of `drawings[index]` as RGBA with straight alpha."""
        drawing = self.drawings[index]
        return Image.fromarray(np.array(self._pictures[drawing.source][drawing.row]))

    def picture_on_ground(self, index: int) -> Image.Image:
        """Give the picture laid on white, on the neutral ground or on a random colour.

        The ground goes by the drawing and not by its place in this choice, so it is the same in every choice.
        """
        drawing = self.drawings[index]
        rng = np.random.default_rng([self.config.seed, drawing.row, SOURCES.index(drawing.source)])
        lot = rng.random()
        ground = tuple(int(value) for value in rng.integers(0, 256, size=3))
        if lot < self.config.white_share:
            ground = (255, 255, 255)
        elif lot < self.config.white_share + self.config.neutral_share:
            ground = NEUTRAL_GROUND
        return on_ground(self.picture(index), (ground[0], ground[1], ground[2]))

    def fingerprint(self) -> str:
        """Identify the choice of pictures and grounds, for caches made from it."""
        grounds = self.config.model_dump(include={"white_share", "neutral_share", "seed"})
        rows = [(drawing.source, drawing.row, drawing.concept, drawing.style) for drawing in self.drawings]
        return hashlib.sha256(json.dumps([grounds, rows]).encode()).hexdigest()[:16]


def _open_pictures(folder: Path, source: str) -> np.ndarray:
    file = folder / f"{source}.npy"
    if not file.is_file():
        raise FileNotFoundError(f"No {file.name} in {folder}; build the corpus with `python -m pipelines.mini.data`.")
    pictures: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    return pictures


def _read_index(folder: Path, source: str) -> list[Drawing]:
    lines = (folder / f"{source}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_drawing(json.loads(line), source, row) for row, line in enumerate(lines)]


def _drawing(record: dict[str, Any], source: str, row: int) -> Drawing:
    """Read one line; recolours and scenes have no names and no keywords, only captions."""
    captions = tuple(record["captions"])
    names = tuple(record.get("names") or captions[:1])
    keywords = tuple(word for word in record.get("keywords", ()) if len(word) > 2)
    return Drawing(
        source=source,
        row=row,
        concept=record["concept"],
        style=record["style"],
        split=record["split"],
        names=names,
        texts=tuple(dict.fromkeys((*names, *captions, *keywords))),
    )


def _choose(drawings: Sequence[Drawing], count: int | None, rng: np.random.Generator) -> list[Drawing]:
    if count is None or count >= len(drawings):
        return list(drawings)
    rows = sorted(rng.choice(len(drawings), size=count, replace=False))
    return [drawings[row] for row in rows]


def _keep_out(drawings: Sequence[Drawing], config: CorpusConfig) -> list[Drawing]:
    """Move a share of the training concepts of the plain drawings to the split `val`.

    A concept goes by a hash of its name, so the choice does not move when drawings are added. Recolours name concepts
    like the plain drawings do; scenes name them by words, so both spellings are kept out.
    """
    if config.validation_share == 0:
        return list(drawings)
    spellings = {drawing.concept: drawing.names[0] for drawing in drawings if drawing.source == "index"}
    out: set[str] = set()
    for concept, name in spellings.items():
        lot = int.from_bytes(hashlib.sha256(f"{config.seed}/{concept}".encode()).digest()[:4], "big") / 2**32
        if lot < config.validation_share:
            out |= {concept, name}
    kept: list[Drawing] = []
    for drawing in drawings:
        moved = drawing.split == "train" and drawing.concept in out
        kept.append(Drawing(**{**vars(drawing), "split": "val"}) if moved else drawing)
    return kept
