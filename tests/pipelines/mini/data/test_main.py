"""The whole data recipe on tiny packages, as the command runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipelines.mini.data.__main__ import PARTS, main
from pipelines.mini.data.writer import read_corpus
from tests.pipelines.mini.data.archives import SIZE, write_packages


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Path:
    config = folder / "data.yaml"
    config.write_text(yaml.safe_dump(write_packages(folder / "packages")))
    out = folder / "corpus"
    arguments = ["--config", str(config), "--out", str(out), "--cache", str(folder / "packages"), *more]
    monkeypatch.setattr(sys, "argv", ["data", *arguments])
    main()
    return out


def test_the_corpus_is_whole_and_holds_out_what_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = build(tmp_path, monkeypatch)
    parts = dict(zip(PARTS, read_corpus(out, PARTS), strict=True))
    assert {name: len(records) for name, (_, records) in parts.items()} == {
        "index": 18, "recolours": 4, "scenes": 12, "identities": 12,
    }  # fmt: skip
    for pictures, records in parts.values():
        assert pictures.shape == (len(records), SIZE, SIZE, 4)
        assert (np.asarray(pictures[..., 3]).max(axis=(1, 2)) > 0).all()
    index = parts["index"][1]
    assert {record["names"][0] for record in index if record["split"] == "test"} == {"otter"}
    for name in ("recolours", "scenes"):
        for record in parts[name][1]:
            assert record["split"] == "train"
            assert "otter" not in record["captions"][0]
    for record in parts["recolours"][1]:
        assert not record["captions"][0].startswith("a blue fox")
    for record in parts["scenes"][1]:
        left, top, right, bottom = record["box"]
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    individuals = parts["identities"][1]
    assert {record["identity"] for record in individuals if record["split"] == "test"} == {"identity-00003"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"] == {name: len(records) for name, (_, records) in parts.items()}
    assert {package["name"] for package in manifest["packages"]} == {"names", "@art/soft", "flat"}
    assert "flat, its maker: flat 1.0, MIT" in (out / "CREDITS.md").read_text()


def test_the_same_seed_makes_the_same_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (build(tmp_path / name, monkeypatch) for name in ("one", "two"))
    for part in PARTS:
        assert (first / f"{part}.npy").read_bytes() == (second / f"{part}.npy").read_bytes()
        assert (first / f"{part}.jsonl").read_text() == (second / f"{part}.jsonl").read_text()
