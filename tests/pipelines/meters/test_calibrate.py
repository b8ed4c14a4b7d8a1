from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.meters.calibrate import (
    WRONG,
    calibrated_likeness,
    calibrated_prompt,
    look_at,
    words,
    write,
)
from pipelines.meters.calibration import load_calibration
from pipelines.meters.likeness import appearance
from pipelines.meters.scale import Scale
from tests.pipelines.meters.tiny_meters import ColourTextImage, ball, encoder

COLOURS = {"red": "mug", "blue": "boot", "green": "mug", "orange": "hat", "purple": "cap", "teal": "key"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six individuals in three views; the last one was trained on."""
    records, pictures = [], []
    for number, (colour, kind) in enumerate(COLOURS.items()):
        for view in range(3):
            picture = ball(colour, left=10 + 10 * view, ground=(0, 0, 0, 0) if view < 2 else (90, 200, 250, 255))
            pictures.append(np.asarray(picture))
            records.append(
                {
                    "identity": f"i{number}", "view": view, "split": "train" if colour == "green" else "test",
                    "kind": kind, "style": "flat", "colours": [colour], "caption": f"a {colour} {kind}",
                }
            )  # fmt: skip
    np.save(tmp_path / "identities.npy", np.stack(pictures))
    (tmp_path / "identities.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return tmp_path


def test_a_corpus_becomes_a_calibration_that_can_be_read(corpus: Path, tmp_path: Path) -> None:
    clip, textimage = encoder(tmp_path), ColourTextImage()

    def measure(picture: Image.Image):
        return appearance(picture, clip.tokens([picture])[0]), textimage.embed_images([picture])[0]

    gallery = look_at(corpus, 100, measure)
    assert len(gallery.views) == 10 and len(gallery.own) == 5
    assert list(gallery.alike) == ["mug"]
    assert len(gallery.recoloured) == 5
    names, rng = list(gallery.own), np.random.default_rng(0)
    pairs = gallery.pairs(names, rng)
    assert {name: len(values) for name, values in pairs.items()} == {
        "right": 10, "other class": 40, "same class": 2, "other colours": 10
    }  # fmt: skip
    right, wrong = gallery.captions(names, textimage)
    assert len(right) == 10 and len(wrong) == 80
    likeness = calibrated_likeness(pairs, pairs)
    prompt = calibrated_prompt((right, wrong), (right, wrong), "colours@1")
    assert min(likeness["figures"]["right above wrong"].values()) > 0.9
    assert set(likeness["figures"]["words"]) == {"right", *WRONG}
    file = tmp_path / "meters.yaml"
    write({"likeness": likeness, "prompt": prompt}, file, len(names))
    read = load_calibration(file)
    assert read.textimage == "colours@1"
    assert read.likeness.fair == likeness["fair"] and read.parts.shape.mean == likeness["shape"]["mean"]


def test_shares_of_words() -> None:
    shares = words(np.array([0.0, 1.0, 2.0, 3.0]), Scale(fair=1.0, good=3.0))
    assert shares == {"low": 0.25, "fair": 0.5, "good": 0.25}
