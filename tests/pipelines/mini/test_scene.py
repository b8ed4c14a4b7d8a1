from __future__ import annotations

import random

import pytest

from pipelines.mini.layout import GROUNDS, MOUNTS, PLACES
from pipelines.mini.scene import COLOUR_WORDS, HATS, NUMBERS, PLACE_WORDS, SIZES, Scene, parse

NAMES = {
    "dog", "cat", "fox", "owl", "butterfly", "fish", "mushroom", "balloon", "house", "backpack", "rocket", "horse",
    "skateboard", "top hat", "crown", "red heart", "black cat", "smiling face", "smiling face with sunglasses",
    "face with monocle", "sun",
}  # fmt: skip
STYLES = ("flat style", "simple flat colours", "glossy style")


def read(prompt: str) -> Scene:
    return parse(prompt, NAMES.__contains__, STYLES)


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        # the subject alone, however it is introduced
        ("a dog", Scene(subject="dog")),
        ("  A   Sticker of an OWL!", Scene(subject="owl")),
        ("a cute picture of the dog", Scene(subject="dog")),
        ("photo of my cat.", Scene(subject="cat")),
        ("my_dog", Scene(subject="dog")),
        # adjectives that are not known
        ("a happy fluffy dog", Scene(subject="dog")),
        ("zibbly dog", Scene(subject="dog")),
        # words that are no name stay as they are, to be found by their meaning
        ("a wumpus", Scene(subject="wumpus")),
        ("a golden retriever", Scene(subject="retriever", colours=("yellow",))),
        ("a dogfish", Scene(subject="dogfish")),
        # counts and sizes
        ("two dogs", Scene(subject="dog", count=2)),
        ("three pink foxes", Scene(subject="fox", colours=("pink",), count=3)),
        ("5 butterflies", Scene(subject="butterfly", count=5)),
        ("two fish", Scene(subject="fish", count=2)),
        ("a tiny dog", Scene(subject="dog", scale=0.5)),
        ("a huge dog", Scene(subject="dog")),
        # colours, and names that hold one
        ("a purple backpack", Scene(subject="backpack", colours=("purple",))),
        ("a crimson dog", Scene(subject="dog", colours=("red",))),
        ("a red and black dog", Scene(subject="dog", colours=("red", "black"))),
        ("a dog in red and black", Scene(subject="dog", colours=("red", "black"))),
        ("a dog in blue", Scene(subject="dog", colours=("blue",))),
        ("a red red dog", Scene(subject="dog", colours=("red",))),
        ("a red, white and blue fish", Scene(subject="fish", colours=("red", "white"))),
        ("a red heart", Scene(subject="red heart")),
        ("a blue red heart", Scene(subject="red heart", colours=("blue",))),
        ("a black cat at night", Scene(subject="black cat", place="at night")),
        ("a white cat", Scene(subject="cat", colours=("white",))),
        # what is worn and ridden
        ("a dog wearing a crown", Scene(subject="dog", hat="crown")),
        ("a dog with his hat", Scene(subject="dog", hat="top hat")),
        ("a dog in a top hat", Scene(subject="dog", hat="top hat")),
        ("a fox with a graduation cap", Scene(subject="fox", hat="graduation cap")),
        ("a fox wearing a cap", Scene(subject="fox", hat="billed cap")),
        ("three foxes wearing top hats", Scene(subject="fox", count=3, hat="top hat")),
        ("a dog riding a skateboard", Scene(subject="dog", mount="skateboard")),
        ("a cat on a horse", Scene(subject="cat", mount="horse")),
        ("a dog wearing a blue hat", Scene(subject="dog", hat="top hat")),
        ("a blue dog wearing a tiny golden crown", Scene(subject="dog", colours=("blue",), hat="crown")),
        ("a dog riding a red skateboard", Scene(subject="dog", mount="skateboard")),
        # who comes along
        ("a dog next to a mushroom", Scene(subject="dog", companions=("mushroom",))),
        ("a dog and a red heart", Scene(subject="dog", companions=("red heart",))),
        ("a dog with a balloon and a cat", Scene(subject="dog", companions=("balloon", "cat"))),
        ("a dog with a cat, with a fox, with an owl", Scene(subject="dog", companions=("cat", "fox"))),
        ("a dog and the sun", Scene(subject="dog", companions=("sun",))),
        ("a dog with a caption", Scene(subject="dog", companions=("caption",))),  # is no cap
        # names that hold a joint
        ("smiling face with sunglasses, flat style", Scene(subject="smiling face with sunglasses")),
        ("a face with monocle wearing a crown", Scene(subject="face with monocle", hat="crown")),
        # where
        ("a dog at the beach", Scene(subject="dog", place="at the beach")),
        ("a dog on the beach", Scene(subject="dog", place="at the beach")),
        ("underwater dog", Scene(subject="dog", place="under water")),
        ("a fox in the woods", Scene(subject="fox", place="in a forest")),
        ("a dog on a pink background", Scene(subject="dog", ground="pink")),
        ("a dog against a plain navy background", Scene(subject="dog", ground="blue")),
        ("a dog on a brown background", Scene(subject="dog", ground="white")),  # no ground of that colour
        ("a red heart on a red background", Scene(subject="red heart", ground="red")),
        # styles are not part of the scene
        ("a dog in flat style", Scene(subject="dog")),
        ("a dog, glossy style", Scene(subject="dog")),
        ("a dog in simple flat colours", Scene(subject="dog")),
        # prompts that name nothing
        ("", Scene(subject="")),
        (" .! ", Scene(subject="")),
        ("wearing a hat", Scene(subject="", hat="top hat")),
        ("in the snow", Scene(subject="", place="in the snow")),
        # all at once
        (
            "A sticker of two tiny blue dogs wearing a crown, riding a skateboard, with a balloon, in space",
            Scene(
                subject="dog", colours=("blue",), count=2, scale=0.5, hat="crown", mount="skateboard",
                companions=("balloon",), place="in space",
            ),
        ),
    ],
)  # fmt: skip
def test_a_prompt_is_read(prompt: str, scene: Scene) -> None:
    assert read(prompt) == scene


def test_only_a_subject_by_itself_is_plain() -> None:
    assert read("a red dog").plain and read("a happy dog, flat style").plain
    assert not any(read(f"a dog {end}").plain for end in ("at night", "and a cat", "wearing a crown", "on a sled"))
    assert not read("two dogs").plain and not read("a tiny dog").plain


@pytest.mark.parametrize("phrase", PLACE_WORDS)
def test_every_way_to_name_a_place_is_understood(phrase: str) -> None:
    assert read(f"a dog {phrase}, flat style") == Scene(subject="dog", place=PLACE_WORDS[phrase])


@pytest.mark.parametrize("word", COLOUR_WORDS)
def test_every_colour_is_understood_before_and_behind_the_thing(word: str) -> None:
    expected = Scene(subject="dog", colours=(COLOUR_WORDS[word],))
    assert read(f"a {word} dog") == read(f"a dog in {word}") == expected


def test_words_point_to_what_there_is() -> None:
    assert set(PLACE_WORDS.values()) == set(PLACES)
    assert all(read(f"a dog on a {ground} background").ground == ground for ground in GROUNDS)
    assert all(read(f"a dog riding a {mount}").mount == mount for mount in MOUNTS)


def test_no_prompt_is_too_strange() -> None:
    words = [
        *NAMES, *COLOUR_WORDS, *HATS, *NUMBERS, *SIZES, *PLACE_WORDS, *STYLES, *MOUNTS, "a", "an", "the", "and", "with",
        "in", "on", "wearing", "riding", "next to", "sticker of", "background", ",", ".", "!", "-", "'", "(", "[", "\\",
        "*", "@bo", "猫", "🎈", "ß", "İ", "\n", "\t", "\0", "s", "es", "ies",
    ]  # fmt: skip
    rng = random.Random(0)
    for _ in range(600):
        prompt = rng.choice(("", " ")).join(rng.choices(words, k=rng.randint(0, 14)))
        scene = read(prompt)
        assert scene == read(prompt)
        assert len(scene.colours) <= 2 and set(scene.colours) <= set(COLOUR_WORDS.values())
        assert 1 <= scene.count <= 6 and 0 < scene.scale <= 1
        assert len(scene.companions) <= 2 and all(scene.companions)
        assert scene.hat in {None, *HATS.values()} and scene.mount in {None, *MOUNTS}
        assert scene.place in {None, *PLACES} and scene.ground in {None, *GROUNDS}
