from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.mini.data.writer import CorpusWriter, read_corpus


def picture(value: int) -> np.ndarray:
    return np.full((4, 4, 4), value, np.uint8)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "corpus", "index", 5, 4) as writer:
        for value in (1, 2, 3):
            writer.add(picture(value), {"id": value, "name": "Käse"})
    (pictures, records), *_ = read_corpus(tmp_path / "corpus", ["index"])
    assert (pictures.shape, pictures.dtype) == ((3, 4, 4, 4), np.uint8)
    assert [int(row[0, 0, 0]) for row in pictures] == [record["id"] for record in records] == [1, 2, 3]
    assert records[0]["name"] == "Käse"


def test_a_failed_run_leaves_what_was_there(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path, "index", 1, 4) as writer:
        writer.add(picture(1), {"id": 1})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError), CorpusWriter(tmp_path, "index", 1, 4) as writer:
        writer.add(picture(2), {"id": 2})
        raise RuntimeError("stopped")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_more_than_was_announced_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IndexError), CorpusWriter(tmp_path, "index", 1, 4) as writer:
        writer.add(picture(1), {})
        writer.add(picture(2), {})
