"""Writes pictures and their records side by side: ``<name>.npy`` (uint8 [N, S, S, 4]) and ``<name>.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np


class CorpusWriter:
    """Appends pictures and records; the files appear under their names only when all is written."""

    def __init__(self, folder: Path, name: str, capacity: int, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._final = (folder / f"{name}.npy", folder / f"{name}.jsonl")
        self._pictures = np.empty((capacity, size, size, 4), np.uint8)
        self._records: list[dict] = []

    def __enter__(self) -> CorpusWriter:
        return self

    def add(self, picture: np.ndarray, record: dict) -> None:
        """Append one picture, uint8 [S, S, 4] straight alpha, and what is known of it."""
        self._pictures[len(self._records)] = picture
        self._records.append(record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        pictures, index = self._final
        temporary = pictures.with_suffix(".part.npy")
        np.save(temporary, self._pictures[: len(self._records)])
        temporary.replace(pictures)
        index.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in self._records))


def read_records(path: Path) -> list[dict]:
    """Return the records of a ``.jsonl`` file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_corpus(folder: Path, names: Iterable[str]) -> list[tuple[np.ndarray, list[dict]]]:
    """Return (pictures as a memory map, records) of each named part of the corpus."""
    return [(np.load(folder / f"{name}.npy", mmap_mode="r"), read_records(folder / f"{name}.jsonl")) for name in names]
