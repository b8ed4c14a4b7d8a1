"""What a drawing of the corpus shows, read from its record: who, in which colours, wearing what, with whom, where."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.colour_words import plain_colours
from pipelines.mini.data.composed import COMPANIONS, HATS
from pipelines.mini.layout import GROUNDS, MOUNTS, PLACES
from pipelines.recognition.regions import WHOLE, Box

PARTS = ("index", "recolours", "scenes", "identities")
COLOURS_MOST = 2
_NUMBERS = {"two": 2, "three": 3, "four": 4}


@dataclass(frozen=True, kw_only=True)
class Depicted:
    """A picture: the row of its image tokens, and what it shows.

    Attributes:
        row: among the image tokens.
        kind: class word of the subject.
        colours: of the subject, the one that covers most first; at most two.
        wearing: a hat, or empty.
        riding: a mount, or empty.
        company: what stands beside the subject, or empty.
        place: such as ``at the beach``, or empty.
        count: of subjects.
        box: of the subject, in shares of the edges.
    """

    row: int
    kind: str
    colours: tuple[str, ...] = ()
    wearing: str = ""
    riding: str = ""
    company: str = ""
    place: str = ""
    count: int = 1
    box: Box = WHOLE


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Where a picture of the corpus lies: its part and row there, its split, and what it shows."""

    part: str
    at: int
    split: str
    shows: Depicted


class Corpus:
    """The drawings of a corpus folder with what each shows.

    Args:
        folder: written by ``python -m pipelines.mini.data``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pictures: dict[str, np.ndarray] = {}
        self._records = {part: _records(folder / f"{part}.jsonl") for part in PARTS}
        index = self._records["index"]
        self._names = {record["concept"]: record["names"][0] for record in index}
        self._plain = {(record["style"], record["names"][0]): at for at, record in enumerate(index)}
        self._first: dict[str, int] = {}
        for at, record in enumerate(self._records["identities"]):
            self._first.setdefault(record["identity"], at)

    def kinds(self, groups: Container[str]) -> list[str]:
        """Return the class words of the plain drawings of some groups that are learned from, in their order."""
        learned = (one for one in self._records["index"] if one["split"] == "train" and one["group"] in groups)
        return list(dict.fromkeys(str(one["names"][0]) for one in learned))

    def count(self, part: str) -> int:
        """Return how many pictures a part has."""
        return len(self._records[part])

    def split(self, part: str, at: int) -> str:
        """Return ``train`` or ``test``: of a concept, or, of the identities, of an individual."""
        return str(self._records[part][at]["split"])

    def kind(self, part: str, at: int) -> str:
        """Return the class word of a picture's subject."""
        record = self._records[part][at]
        if part == "identities":
            return str(record["kind"])
        return self._names.get(record["concept"], record["concept"])

    def pixels(self, part: str, at: int) -> np.ndarray:
        """Return a picture, uint8 [S, S, 4], straight alpha."""
        if part not in self._pictures:
            self._pictures[part] = np.load(self._folder / f"{part}.npy", mmap_mode="r")
        return np.array(self._pictures[part][at])

    def drawn(self, part: str, at: int, row: int) -> Drawn:
        """Return what a picture shows; its image tokens will stand in `row`."""
        record, kind = self._records[part][at], self.kind(part, at)
        caption = record["caption"] if part == "identities" else record["captions"][0]
        box = record.get("box")
        shows = Depicted(
            row=row,
            kind=kind,
            colours=self._colours(part, at, kind),
            box=(box[0], box[1], box[2], box[3]) if box else WHOLE,
            **beside(caption, kind),
        )
        return Drawn(part=part, at=at, split=self.split(part, at), shows=shows)

    def _colours(self, part: str, at: int, kind: str) -> tuple[str, ...]:
        """Return the subject's colours in words, measured where it is drawn alone."""
        record = self._records[part][at]
        if part == "scenes":
            alone = self._plain.get((record["style"], kind))
            if record["colours"] or alone is None:
                return tuple(record["colours"][:COLOURS_MOST])
            return _colours(self.pixels("index", alone), kind)
        return _colours(self.pixels(part, self._first[record["identity"]] if part == "identities" else at), kind)


def _colours(pixels: np.ndarray, kind: str) -> tuple[str, ...]:
    return plain_colours(Image.fromarray(pixels, "RGBA"), kind, most=COLOURS_MOST)


def beside(caption: str, kind: str) -> Mapping[str, Any]:
    """Return what a caption of the corpus says besides its subject, as fields of `Depicted`."""
    rest = re.sub(rf"\b{re.escape(kind)}", "", caption, count=1)
    found: dict[str, Any] = {
        "wearing": _after(rest, "wearing", HATS),
        "riding": _after(rest, "riding", MOUNTS),
        "company": _after(rest, "(?:next to|with|and)", COMPANIONS),
        "place": next((place for place in PLACES if place in rest), ""),
    }
    ground = re.search(r"\bon an? (\w+) background\b", rest)
    if ground and ground[1] in GROUNDS:
        found["place"] = f"on a {ground[1]} background"
    count = re.match(rf"({'|'.join(_NUMBERS)}) ", caption)
    return found | ({"count": _NUMBERS[count[1]]} if count else {})


def _after(text: str, joint: str, things: Iterable[str]) -> str:
    longest_first = "|".join(re.escape(thing) for thing in sorted(things, key=len, reverse=True))
    found = re.search(rf"\b{joint} an? ({longest_first})\b", text)
    return found[1] if found else ""


def chosen(
    corpus: Corpus, counts: Mapping[str, int], split: str, seed: int, kinds: Container[str] | None = None
) -> Iterator[Drawn]:
    """Choose pictures of a split, spread over the concepts, the same ones for the same seed.

    A picture counts as of the ``test`` split where its concept or its individual is held out.

    Args:
        corpus: to choose from.
        counts: how many of each part, at most.
        split: ``train`` or ``test``.
        seed: of the choice.
        kinds: only pictures of these; None: of any.
    """
    row = 0
    for part in PARTS:
        rng = np.random.default_rng([seed, PARTS.index(part)])
        rows = [int(at) for at in rng.permutation(corpus.count(part)) if corpus.split(part, int(at)) == split]
        rows = [at for at in rows if kinds is None or corpus.kind(part, at) in kinds]
        for at in _spread(rows, [corpus.kind(part, at) for at in rows])[: counts.get(part, 0)]:
            yield corpus.drawn(part, at, row)
            row += 1


def _spread(rows: Sequence[int], kinds: Sequence[str]) -> list[int]:
    """Return rows so that every kind has come once before one comes twice."""
    seen: dict[str, int] = {}
    turns = []
    for row, kind in zip(rows, kinds, strict=True):
        seen[kind] = seen.get(kind, 0) + 1
        turns.append((seen[kind], row))
    return [row for _, row in sorted(turns, key=lambda turn: turn[0])]


def _records(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
