from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.mini.library import DrawingLibrary
from pipelines.mini.training import library
from tests.pipelines.mini.tiny_mini import training_config
from tests.pipelines.mini.training.corpus import COLOURS


def test_the_library_holds_every_drawing_of_its_styles_and_knows_what_training_never_saw(
    data: Path, minilm: Path, tmp_path: Path
) -> None:
    library.train(training_config(3), data, tmp_path / "out")
    read = DrawingLibrary.from_pretrained(tmp_path / "out" / "library")
    assert read.names == sorted(f"{colour} mug" for colour in COLOURS)
    assert read.held_out == {"green mug", "black mug"}
    assert read.mirrors == frozenset()  # mugs may have writing on them
    drawn = {name: read.drawn_styles(place) for place, name in enumerate(read.names)}
    # in the order of the preset: flat, modern; the comic one is left out
    assert drawn == {
        "red mug": [0, 1], "blue mug": [0], "yellow mug": [0], "green mug": [0], "black mug": [0],
    }  # fmt: skip
    for colour, value in COLOURS.items():
        picture = np.asarray(read.picture(read.names.index(f"{colour} mug"), 0))
        assert np.abs(picture[14, 14].astype(int) - (*value, 255)).max() < 10
    assert read.asked_style("a blue mug, flat style") == 0
    assert read.asked_style("a blue mug, modern flat") == 1


def test_drawings_are_told_apart_by_meaning(data: Path, minilm: Path, tmp_path: Path) -> None:
    library.train(training_config(3), data, tmp_path / "out")
    read = DrawingLibrary.from_pretrained(tmp_path / "out" / "library")
    embeddings = read._tensors["embeddings"].float()
    np.testing.assert_allclose(embeddings.norm(dim=1), 1, atol=1e-2)
    assert read.nearest_concept(embeddings[read.names.index("red mug")]) == read.names.index("red mug")
