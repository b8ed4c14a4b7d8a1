"""Writes a small corpus in the files of the real one: three concepts in two hands, and one held out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pipelines.textimage.configuration import CorpusConfig

COLOURS = {"dog": (180, 120, 60), "cat": (90, 90, 90), "mug": (200, 30, 30), "boot": (30, 60, 160)}
STYLES = ("flat", "comic")


def write_corpus(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    records = [_record(name, style) for style in STYLES for name in COLOURS]
    _write(folder, "index", records, [_picture(COLOURS[record["names"][0]], record["style"]) for record in records])
    blue = {"concept": "c-dog", "style": "flat", "split": "train", "captions": ["a blue dog", "a blue dog, flat style"]}
    _write(folder, "recolours", [blue], [_picture((20, 20, 220), "flat")])
    scene = {"concept": "cat", "style": "comic", "split": "train", "captions": ["a cat at night"]}
    _write(folder, "scenes", [scene], [_picture((60, 60, 90), "comic")])
    return folder


def corpus_config(**changes: object) -> CorpusConfig:
    settings = {
        "styles": STYLES,
        "recolours": 1,
        "scenes": 1,
        "white_share": 0.3,
        "neutral_share": 0.3,
        "validation_share": 0.0,
        "seed": 1,
        **changes,
    }
    return CorpusConfig.model_validate(settings)


def _record(name: str, style: str) -> dict[str, object]:
    return {
        "id": f"{style}-{name}",
        "concept": f"c-{name}",
        "style": style,
        "split": "test" if name == "boot" else "train",
        "names": [name],
        "keywords": ["pet" if name in ("dog", "cat") else "thing", "ok"],
        "captions": [f"a {name}", name, f"a {name}, {style} style"],
    }


def _picture(colour: tuple[int, int, int], style: str) -> np.ndarray:
    picture = np.zeros((128, 128, 4), np.uint8)
    inset = 20 if style == "flat" else 36
    picture[inset:-inset, inset:-inset] = (*colour, 255)
    return picture


def _write(folder: Path, source: str, records: list[dict[str, object]], pictures: list[np.ndarray]) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / f"{source}.jsonl").write_text(lines, encoding="utf-8")
    np.save(folder / f"{source}.npy", np.stack(pictures))
