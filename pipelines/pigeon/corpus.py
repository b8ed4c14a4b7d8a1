"""The open corpus of drawings (`pipelines.mini.data`) as people's pictures: described, measured, encoded once."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.named_colours import COLOUR_NAMES
from pipelines.pigeon.people import Described, split_of

logger = logging.getLogger(__name__)
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class TasteCorpus:
    """Pictures with what people's tastes are about.

    Attributes:
        rows: places in the corpus' files, ascending [N].
        pictures: descriptions [N].
        captions: a caption each [N].
        features: of them.
        drawings: straight-alpha uint8 [M, S, S, 4], all of the corpus; mapped, not read.
    """

    rows: np.ndarray
    pictures: tuple[Described, ...]
    captions: tuple[str, ...]
    features: PictureFeatures
    drawings: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def image(self, place: int) -> Image.Image:
        """Return a picture, RGBA."""
        return Image.fromarray(np.asarray(self.drawings[self.rows[place]]), "RGBA")

    def of_split(self, split: str) -> np.ndarray:
        """Return the places of pictures whose concept is in a split, ``train`` or ``test``."""
        return np.array([place for place, one in enumerate(self.pictures) if split_of(one.concept) == split])

    @classmethod
    def open(cls, folder: Path, extractor: FeatureExtractor, cache: Path, *, most: int = 2400) -> Self:
        """Read a corpus; features are computed once and kept in a file of the cache folder.

        Args:
            folder: with ``index.npy`` and ``index.jsonl``, as ``python -m pipelines.mini.data`` writes them.
            extractor: see `FeatureExtractor`.
            cache: folder for the features.
            most: pictures, chosen by a fixed rule.
        """
        lines = (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()
        drawings = np.load(folder / "index.npy", mmap_mode="r")
        rows = np.sort(np.random.default_rng(0).permutation(len(lines))[:most])
        entries = [json.loads(lines[row]) for row in rows]
        features = _features([entry["id"] for entry in entries], drawings, rows, (extractor, cache))
        first = ATTRIBUTE_NAMES.index(COLOUR_NAMES[0])
        main = features.attributes[:, first : first + len(COLOUR_NAMES)].argmax(axis=1)
        pictures = tuple(
            Described(
                concept=entry["concept"], style=entry["style"], colour=COLOUR_NAMES[colour], subject=entry["group"]
            )
            for entry, colour in zip(entries, main, strict=True)
        )
        return cls(rows, pictures, tuple(entry["captions"][0] for entry in entries), features, drawings)


def _features(
    names: list[str], drawings: np.ndarray, rows: np.ndarray, how: tuple[FeatureExtractor, Path]
) -> PictureFeatures:
    extractor, cache = how
    file = cache / f"features-{extractor.encoder.name}-{len(rows)}.npz"
    if file.is_file():
        with np.load(file, allow_pickle=False) as kept:
            if kept["names"].tolist() == names and kept["attributes"].shape[1] == len(ATTRIBUTE_NAMES):
                return PictureFeatures(kept["attributes"], kept["looks"])
    parts = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        parts.append(extractor([Image.fromarray(np.asarray(drawings[row]), "RGBA") for row in some]))
        logger.info("features of %d of %d pictures", start + len(some), len(rows))
    features = PictureFeatures.joined(parts)
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(file, names=np.array(names), attributes=features.attributes, looks=features.looks)
    return features
