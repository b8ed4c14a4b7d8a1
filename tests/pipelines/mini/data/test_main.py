"""The whole data recipe on tiny packages, as the command runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipelines.mini.data.__main__ import PARTS, _recoloured, main
from pipelines.mini.data.concepts import Concept
from pipelines.mini.data.drawings import Drawing
from pipelines.mini.data.individuals import Individual, write_individuals
from pipelines.mini.data.writer import read_corpus
from tests.pipelines.mini.data.archives import SIZE, webp, write_packages


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str, config: dict | None = None) -> Path:
    file = folder / "data.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(config or write_packages(folder / "packages")))
    out = folder / "corpus"
    arguments = ["--config", str(file), "--out", str(out), "--cache", str(folder / "packages"), *more]
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
    for name in ("scenes", "identities"):
        [(sketches, _)] = read_corpus(out, [f"{name}_sketches"])
        assert sketches.shape == parts[name][0].shape
        assert (np.asarray(sketches[..., 3]).max(axis=(1, 2)) > 0).all()
    individuals = parts["identities"][1]
    alone = [row for row, record in enumerate(individuals) if record["view"] == 0]
    assert len(alone) == 4
    # the sketch of an individual alone has its outline
    assert np.array_equal(sketches[alone][..., 3], parts["identities"][0][alone][..., 3])
    assert {record["identity"] for record in individuals if record["split"] == "test"} == {"identity-00003"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"] == {name: len(records) for name, (_, records) in parts.items()}
    assert {package["name"] for package in manifest["packages"]} == {"names", "@art/soft", "flat"}
    assert "flat, its maker: flat 1.0, MIT" in (out / "CREDITS.md").read_text()


def test_the_same_seed_makes_the_same_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (build(tmp_path / name, monkeypatch) for name in ("one", "two"))
    for part in (*PARTS, "scenes_sketches", "identities_sketches", "identities_greys"):
        assert (first / f"{part}.npy").read_bytes() == (second / f"{part}.npy").read_bytes()
        assert (first / f"{part}.jsonl").read_text() == (second / f"{part}.jsonl").read_text()


def test_a_part_is_built_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = build(tmp_path, monkeypatch, "--only", "index", "--size", "16")
    assert {file.name for file in out.iterdir()} == {"index.npy", "index.jsonl", "manifest.json", "CREDITS.md"}
    assert read_corpus(out, ["index"])[0][0].shape == (18, 16, 16, 4)


def test_further_individuals_are_among_the_identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[4:-4, 4:-4] = (200, 30, 10, 255)
    known = [
        Individual(
            name=name, kind=kind, style="flat", pictures=(picture, picture), views=("", "seen"), source="set@1, Ann"
        )
        for name, kind in (("3d-fox", "fox"), ("3d-otter", "otter"), ("3d-sofa", "sofa"))
    ]
    write_individuals(known, tmp_path / "known", SIZE, frozenset({"otter"}))
    out = build(tmp_path, monkeypatch, "--individuals", str(tmp_path / "known"))
    records = read_corpus(out, ["identities"])[0][1]
    found = {record["identity"]: record["split"] for record in records if record["identity"].startswith("3d")}
    # a held-out kind is held out here too; a sofa is in no set of drawings, so it would have no sketch
    assert found == {"3d-fox": "train", "3d-otter": "test"}
    assert len(records) == 12 + 4


def test_only_drawings_of_the_styles_named_are_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_packages(tmp_path / "packages") | {"changed_styles": ["flat"]}
    out = build(tmp_path, monkeypatch, config=config)
    for part in ("recolours", "scenes", "identities"):
        assert {record["style"] for record in read_corpus(out, [part])[0][1]} == {"flat"}


def test_raster_drawings_are_recoloured_too() -> None:
    concept = Concept(code="1f98a", name="fox", keywords=(), group="animals", split="train")
    found = _recoloured(Drawing(concept=concept, style="glossy", source=webp("1F98A")), ("green", "red"), SIZE)
    assert found is not None
    picture, colours = found
    assert colours == ("green",)  # it has one colour only
    red, green, blue, alpha = picture[SIZE // 2, SIZE // 2].tolist()
    assert green > red and green > blue and alpha == 255
    lines = Drawing(
        concept=concept, style="flat", source='<svg viewBox="0 0 4 4"><path d="M0 0h4v4z" fill="#111"/></svg>'
    )
    assert _recoloured(lines, ("green",), SIZE) is None
