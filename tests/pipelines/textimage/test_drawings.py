from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.textimage.drawings import Corpus
from tests.pipelines.textimage.tiny_corpus import corpus_config, write_corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def test_every_source_is_read(folder: Path) -> None:
    drawings = Corpus(folder, corpus_config()).drawings
    assert [drawing.source for drawing in drawings] == ["index"] * 8 + ["recolours", "scenes"]
    assert drawings[0].names == ("dog",)
    assert drawings[0].texts == ("dog", "a dog", "a dog, flat style", "pet")
    assert drawings[8].names == ("a blue dog",)


def test_sources_can_be_left_out(folder: Path) -> None:
    corpus = Corpus(folder, corpus_config(recolours=0, scenes=0))
    assert {drawing.source for drawing in corpus.drawings} == {"index"}


def test_only_the_named_hands_are_read(folder: Path) -> None:
    assert {drawing.style for drawing in Corpus(folder, corpus_config(styles=["comic"])).drawings} == {"comic"}


def test_a_ground_does_not_depend_on_what_else_is_read(folder: Path) -> None:
    everything, comic = Corpus(folder, corpus_config()), Corpus(folder, corpus_config(styles=["comic"]))
    assert np.array_equal(np.asarray(everything.picture_on_ground(4)), np.asarray(comic.picture_on_ground(0)))


def test_grounds_are_opaque_and_stay_the_same(folder: Path) -> None:
    first, second = (Corpus(folder, corpus_config()) for _ in range(2))
    pictures = [first.picture_on_ground(index) for index in range(8)]
    assert all(picture.mode == "RGB" for picture in pictures)
    assert np.array_equal(np.asarray(pictures[3]), np.asarray(second.picture_on_ground(3)))
    coloured = Corpus(folder, corpus_config(white_share=0.0, neutral_share=0.0))
    assert len({coloured.picture_on_ground(index).getpixel((0, 0)) for index in range(4)}) == 4


def test_white_only_where_it_is_asked_for(folder: Path) -> None:
    corpus = Corpus(folder, corpus_config(white_share=1.0, neutral_share=0.0))
    assert corpus.picture_on_ground(0).getpixel((0, 0)) == (255, 255, 255)


def test_kept_out_concepts_leave_training_in_every_source(folder: Path) -> None:
    corpus = Corpus(folder, corpus_config(validation_share=0.999))
    assert {drawing.split for drawing in corpus.drawings} == {"val", "test"}
    assert [drawing.split for drawing in corpus.drawings if drawing.concept == "c-boot"] == ["test", "test"]


def test_the_fingerprint_follows_the_choice_not_the_split(folder: Path) -> None:
    plain = Corpus(folder, corpus_config()).fingerprint()
    assert Corpus(folder, corpus_config(validation_share=0.5)).fingerprint() == plain
    assert Corpus(folder, corpus_config(seed=2)).fingerprint() != plain
    assert Corpus(folder, corpus_config(scenes=0)).fingerprint() != plain


def test_a_missing_corpus_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"pipelines\.mini\.data"):
        Corpus(tmp_path, corpus_config())
