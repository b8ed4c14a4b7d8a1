from __future__ import annotations

import numpy as np
import pytest

from pipelines.mini.data.captions import colour_captions, plain_captions, scene_caption
from pipelines.mini.data.concepts import Concept
from pipelines.mini.scene import article

FOX = Concept(code="1f98a", name="fox", keywords=("animal", "face"), group="animals", split="train")


@pytest.mark.parametrize(
    ("noun", "said"),
    [("dog", "a dog"), ("owl", "an owl"), ("cactus", "a cactus"), ("dress", "a dress"), ("scissors", "scissors")],
)
def test_articles(noun: str, said: str) -> None:
    assert article(noun) == said


def test_plain_captions_name_the_thing_and_some_the_style() -> None:
    captions = plain_captions(FOX, ["flat style", "simple flat colours"])
    assert captions[:2] == ["a fox", "fox"]
    assert all("fox" in caption for caption in captions)
    assert len(set(captions)) == len(captions)
    assert {"a fox, flat style", "fox, simple flat colours", "fox, animal, face"} <= set(captions)


def test_without_keywords_none_are_made_up() -> None:
    bare = Concept(code="1", name="fox", keywords=(), group="animals", split="train")
    assert all("animal" not in caption for caption in plain_captions(bare, ["flat style"]))


def test_colours_are_named() -> None:
    assert colour_captions("fox", ("blue", "white", "red"), ["flat style"])[0] == "a blue and white fox"
    assert colour_captions("owl", ("orange",), ["flat style"])[0] == "an orange owl"


def test_two_of_three_scenes_name_the_style() -> None:
    rng = np.random.default_rng(0)
    captions = [scene_caption(["a fox", "wearing", "a crown"], ["flat style"], rng) for _ in range(300)]
    assert set(captions) == {"a fox wearing a crown", "a fox wearing a crown, flat style"}
    assert 170 < sum("style" in caption for caption in captions) < 230
