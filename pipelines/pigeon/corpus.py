"""The open corpus of drawings (`pipelines.mini.data`) as people's pictures: described, measured, encoded once."""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from pipelines.mini.colours import COLOURS, raster_groups, recolour_pixels
from pipelines.mini.scene import article
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.named_colours import COLOUR_NAMES
from pipelines.pigeon.people import Described, split_of

logger = logging.getLogger(__name__)
_AT_ONCE = 64
VERSIONS = 1 + len(COLOURS)  # of a drawing: as it is, and with its main colour changed to each


@dataclass(frozen=True, eq=False)
class TasteCorpus:
    """Pictures with what people's tastes are about.

    Attributes:
        rows: places in the corpus' files, ascending [N].
        pictures: descriptions [N].
        captions: what each shows, in words that leave its style and its colours open [N].
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

    def of_places(self, places: np.ndarray) -> Self:
        """Return the pictures at some places [n]."""
        return type(self)(
            self.rows[places],
            tuple(self.pictures[place] for place in places),
            tuple(self.captions[place] for place in places),
            self.features[places],
            self.drawings,
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        extractor: FeatureExtractor,
        cache: Path,
        *,
        part: str = "index",
        most: int = 1400,
        split: str | None = None,
    ) -> Self:
        """Read a corpus; features are computed once and kept in a file of the cache folder.

        Args:
            folder: with ``index.npy`` and ``index.jsonl``, as ``python -m pipelines.mini.data`` writes them.
            extractor: see `FeatureExtractor`.
            cache: folder for the features.
            part: ``index``, or ``recolours``: the same things in other colours than they usually have.
            most: pictures, chosen by a fixed rule.
            split: only pictures of this split, ``train`` or ``test``; None: of both.
        """
        index = _entries(folder, "index")
        known = {entry["concept"]: entry for entry in index}
        every = index if part == "index" else _entries(folder, part)
        drawings = np.load(folder / f"{part}.npy", mmap_mode="r")
        order = np.random.default_rng(0).permutation(len(every))
        allowed = [row for row in order if split is None or split_of(every[row]["concept"]) == split]
        rows = np.sort(np.array(allowed[:most]))
        entries = [every[row] for row in rows]
        names = [str(entry.get("id", f"{part}-{row}")) for row, entry in zip(rows, entries, strict=True)]
        features = _features(names, drawings, rows, (extractor, cache, part))
        pictures = tuple(
            Described(
                concept=entry["concept"],
                style=entry["style"],
                colour=colour,
                subject=known[entry["concept"]]["group"],
            )
            for entry, colour in zip(entries, _main_colours(features), strict=True)
        )
        captions = tuple(article(known[entry["concept"]]["names"][0]) for entry in entries)
        return cls(rows, pictures, captions, features, drawings)

    def in_every_colour(self, places: np.ndarray, extractor: FeatureExtractor, cache: Path) -> Self:
        """Return versions of some drawings, `VERSIONS` of each behind one another; features are kept as by `open`."""
        drawings = np.concatenate([_in_every_colour(self.drawings[self.rows[place]]) for place in places])
        rows = np.arange(len(drawings))
        names = [f"{self.rows[place]}-{colour}" for place in places for colour in ("", *COLOURS)]
        features = _features(names, drawings, rows, (extractor, cache, "versions"))
        originals = np.repeat(places, VERSIONS)
        pictures = tuple(
            dataclasses.replace(self.pictures[place], colour=colour)
            for place, colour in zip(originals, _main_colours(features), strict=True)
        )
        return type(self)(rows, pictures, tuple(self.captions[place] for place in originals), features, drawings)


def _in_every_colour(drawing: np.ndarray) -> np.ndarray:
    """Return a drawing [S, S, 4] as it is and with its largest colour group in each of `COLOURS` [V, S, S, 4]."""
    groups = raster_groups(drawing)
    return np.stack([drawing, *(recolour_pixels(drawing, (colour,), groups) for colour in COLOURS)])


def _main_colours(features: PictureFeatures) -> list[str]:
    first = ATTRIBUTE_NAMES.index(COLOUR_NAMES[0])
    return [COLOUR_NAMES[n] for n in features.attributes[:, first : first + len(COLOUR_NAMES)].argmax(axis=1)]


def _entries(folder: Path, part: str) -> list[dict[str, Any]]:
    lines = (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _features(
    names: list[str], drawings: np.ndarray, rows: np.ndarray, how: tuple[FeatureExtractor, Path, str]
) -> PictureFeatures:
    extractor, cache, part = how
    kind = "" if part == "index" else f"{part}-"
    file = cache / f"features-{extractor.encoder.name}-{kind}{len(rows)}.npz"
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
