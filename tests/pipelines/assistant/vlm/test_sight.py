from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.assistant.vlm.depicted import Corpus
from pipelines.assistant.vlm.loading import NEEDED, kinds_of, open_eyes, told_apart
from pipelines.assistant.vlm.sight import Tags, image_tokens
from pipelines.features.image_encoders import ClipVisionEncoder
from tests.pipelines.assistant.vlm.tiny_eyes import write_eyes
from tests.pipelines.assistant.vlm.tiny_vlm import MODEL, WIDTH, Patches, write_corpus

KINDS = ("fox", "owl", "mug")


@pytest.fixture
def picture() -> Image.Image:
    """Something red on a green ground."""
    shown = Image.new("RGB", (40, 40), (40, 160, 60))
    shown.paste((220, 30, 30), (10, 10, 30, 30))
    return shown


def test_a_picture_is_seen_as_tokens_and_tags(tmp_path: Path, picture: Image.Image) -> None:
    write_eyes(tmp_path)
    asked: list[str] = []
    eyes = open_eyes(KINDS, MODEL, find=lambda name: asked.append(name) or tmp_path / name)
    assert sorted(asked) == sorted(NEEDED)
    sight = eyes.see(picture)
    encoder = ClipVisionEncoder(tmp_path / "clip-vision")
    assert np.array_equal(sight.tokens, image_tokens([picture], encoder, MODEL.image_tokens)[0])
    assert len(sight.tags.kinds) == MODEL.tags and set(sight.tags.kinds) < set(KINDS)
    assert sight.tags.colours == ("red",)


def test_where_the_subject_is_known_its_colours_are_those_there(tmp_path: Path, picture: Image.Image) -> None:
    write_eyes(tmp_path)
    eyes = open_eyes(KINDS, MODEL, find=lambda name: tmp_path / name)
    corner = Image.new("L", picture.size)
    corner.paste(255, (0, 0, 10, 10))
    assert eyes.see(picture, corner).tags.colours == ("green",)
    learns = open_eyes(KINDS, MODEL.model_copy(update={"tags": 3}), learning=True, find=lambda name: tmp_path / name)
    assert len(learns.see(picture).tags.kinds) == 3
    untagged = open_eyes(KINDS, MODEL.model_copy(update={"told": 0}), find=lambda name: tmp_path / name)
    assert untagged.see(picture).tags == Tags() and Tags().told() == ""


def test_a_picture_may_be_tagged_with_everyday_kinds_and_those_of_the_corpus(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    kinds = kinds_of(Corpus(tmp_path), ("animals",))
    assert kinds[0] == "dog" and {"fox", "owl"} <= set(kinds) and len(kinds) == len(set(kinds))
    assert told_apart([*kinds, "guide dog", "gramophone"]) == [*kinds, "gramophone"]


def test_patches_are_averaged_without_the_class_token() -> None:
    tokens = image_tokens([Image.new("RGB", (8, 8), "red")], Patches(), 4)  # type: ignore[arg-type]
    assert tokens.shape == (1, 4, WIDTH) and np.allclose(tokens[0, 0], [1, 0, 0, 1, 0, 0])


def test_a_card_is_surer_of_a_kind_than_a_look() -> None:
    tags = Tags(kinds=("fox", "dog", "wolf"), colours=("red",))
    assert tags.after(("dog",)).kinds == ("dog", "fox", "wolf") and tags.after(()) == tags
    assert tags.after(("mug",)) == Tags(kinds=("mug", "fox", "dog"), colours=("red",))
    assert Tags().after(("mug",)) == Tags()
