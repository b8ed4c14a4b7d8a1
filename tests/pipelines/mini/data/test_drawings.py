from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipelines.mini.data.concepts import read_concepts
from pipelines.mini.data.drawings import by_codepoint, by_name, rasterise, read_style, slugs
from tests.pipelines.mini.data.archives import svg, webp, write_packages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_packages(tmp_path)
    return tmp_path


def test_both_layouts_give_the_same_concepts(folder: Path) -> None:
    concepts = read_concepts(folder / "names-1.0.tgz", folder / "holdout.yaml")
    named = read_style("soft", partial(by_name, folder / "art-soft-1.0.tgz", slugs(concepts)), concepts)
    coded = read_style("flat", partial(by_codepoint, folder / "flat-1.0.tgz", "dist/svg", ".svg"), concepts)
    assert {drawing.concept.code for drawing in named} == {drawing.concept.code for drawing in coded} == set(concepts)
    for one, other in zip(named, sorted(coded, key=lambda d: list(concepts).index(d.concept.code)), strict=True):
        assert np.array_equal(rasterise(one.source, 32), rasterise(other.source, 32))


def test_names_written_in_one_word_are_found(folder: Path) -> None:
    concepts = read_concepts(folder / "names-1.0.tgz", folder / "holdout.yaml")
    assert slugs(concepts)["top-hat"] == slugs(concepts)["tophat"] == "1f3a9"


def test_drawings_are_fitted_with_their_aspect_kept() -> None:
    picture = rasterise(webp("x"), 48)
    assert picture.shape == (48, 48, 4)
    rows, columns = (np.flatnonzero((picture[..., 3] > 127).any(axis=axis)) for axis in (1, 0))
    assert (len(rows), len(columns)) == (24, 48)
    assert rasterise(svg("1f436"), 40)[20, 20, 3] == 255


def test_edges_of_fitted_drawings_keep_their_colour() -> None:
    picture = rasterise(webp("x"), 20)
    seen = picture[..., 3] > 20
    np.testing.assert_allclose(picture[seen][:, 2].astype(int), 90, atol=3)


def test_text_without_a_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="no <svg> root"):
        rasterise("<html/>", 16)
