from __future__ import annotations

import re

import numpy as np
import pytest

from pipelines.mini import layout
from pipelines.mini.colours import COLOURS, in_greys
from pipelines.mini.data.composed import COMPANIONS, HATS, KINDS, Composed, Composer, Part
from pipelines.mini.layout import GROUNDS, MOUNTS, PLACES

SIZE = 32
PROPS = {prop for place in PLACES.values() for prop in place.props}
# symbols come along, but nothing is drawn around them
NAMES = dict.fromkeys([*HATS, *COMPANIONS, *MOUNTS, *sorted(PROPS)], "symbols")
NAMES |= {"dog": "animals", "fox": "animals", "mushroom": "food", "cactus": "animals"}
HUES = [(200, 60, 40), (60, 90, 210), (50, 180, 80), (190, 60, 180), (60, 190, 200), (230, 200, 40), (210, 40, 110)]


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build figures at the size of the canvas: hundreds of scenes are then composed in a moment."""
    monkeypatch.setattr(layout, "EDGE", SIZE)


def part(name: str, style: str = "flat") -> Part:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[8:24, 8:24] = (*HUES[list(NAMES).index(name) % len(HUES)], 255)
    return Part(name=name, style=style, group=NAMES[name], picture=picture)


def composer(held_out: set[tuple[str, str]] = frozenset()) -> Composer:  # type: ignore[assignment]
    return Composer([part(name) for name in NAMES], {"flat": ["flat style"]}, set(held_out), SIZE)


def drawn(composer: Composer, count: int = 300) -> list[tuple[Composed, dict]]:
    rng = np.random.default_rng(0)
    scenes = (composer.draw(rng) for _ in range(count))
    return [scene for scene in scenes if scene is not None]


def one_of(words: object) -> str:
    return f"({'|'.join(map(re.escape, words))})"  # type: ignore[call-overload]


ENDS = {
    "alone": "",
    "hat": f" wearing a {one_of(HATS)}",
    "companion": rf" (next to|with|and) an? {one_of(COMPANIONS)}",
    "mount": rf" riding an? {one_of(MOUNTS)}",
    "place": f" {one_of(PLACES)}",
    "ground": f" on a {one_of(GROUNDS)} background",
    "several": "",
}


def test_captions_say_what_is_there() -> None:
    records = [record for _, record in drawn(composer(), 300)]
    assert {record["kind"] for record in records} == {"+".join(kind) for kind in KINDS}
    for record in records:
        kinds = record["kind"].split("+")
        name = " ".join([" and ".join(record["colours"]), record["concept"]]).strip()
        start = rf"(two|three|four) {name}(s|es)" if "several" in kinds else rf"an? {name}"
        caption = record["captions"][0].removesuffix(", flat style")
        assert re.fullmatch(start + "".join(ENDS[kind] for kind in kinds), caption), caption
        assert record["split"] == "train"
    assert {record["concept"] for record in records} == {"dog", "fox", "mushroom", "cactus"}
    coloured = [record for record in records if record["colours"]]
    assert 0.15 < len(coloured) / len(records) < 0.45
    assert {colour for record in coloured for colour in record["colours"]} <= set(COLOURS)


def test_held_out_pairs_are_never_drawn() -> None:
    pairs = {("fox", "top hat"), ("dog", "mushroom"), ("fox", "at night"), ("dog", "blue"), ("cactus", "crown")}

    def seen(held_out: set[tuple[str, str]]) -> set[tuple[str, str]]:
        texts = [
            (record["concept"], record["captions"][0].split(" on a ")[0]) for _, record in drawn(composer(held_out))
        ]
        return {
            (subject, other)
            for subject, other in pairs
            for concept, text in texts
            if concept == subject and other in text
        }

    assert not seen(pairs)
    assert seen(set())


def test_nothing_stands_beside_itself() -> None:
    alone = Composer([part("mushroom")], {"flat": ["flat style"]}, set(), SIZE)
    assert not any("companion" in record["kind"] for _, record in drawn(alone))


@pytest.mark.parametrize("kind", ["hat", "companion", "mount"])
def test_only_drawings_of_one_hand_meet(kind: str) -> None:
    mixed = Composer(
        [part("dog", "flat"), *(part(name, "soft") for name in ("mushroom", "top hat", "skateboard"))],
        {"flat": ["f"], "soft": ["s"]},
        set(),
        SIZE,
    )
    rng = np.random.default_rng(0)
    assert all(mixed.compose(part("dog", "flat"), (kind,), rng) is None for _ in range(40))


def composed(kind: tuple[str, ...], **options: object) -> Composed:
    rng = np.random.default_rng(3)
    found = (composer().compose(part("dog"), kind, rng, **options) for _ in range(60))  # type: ignore[arg-type]
    return next(scene for scene in found if scene is not None)


def test_the_mask_is_the_subject_alone() -> None:
    scene = composed(("ground",))
    assert (scene.picture[..., 3] == 255).all()
    assert 0.2 < (scene.mask > 127).mean() < 0.8
    assert 0 < (composed(("hat",)).mask > 127).sum() < (composed(("hat",)).picture[..., 3] > 127).sum()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "mount" not in kind])
def test_the_sketch_is_laid_out_as_the_picture_is(kind: tuple[str, ...]) -> None:
    dog = part("dog").picture
    green = dog.copy()
    green[8:24, 8:24, :3] = (10, 240, 10)
    scene = composed(kind, picture=green, sketch=in_greys(dog), called="green dog")
    assert np.array_equal(scene.picture[..., 3], scene.sketch[..., 3])
    subject, around = scene.mask > 250, scene.mask == 0
    assert subject.any()
    # but for the blended edge beneath what stands before the subject
    assert (scene.picture[around] == scene.sketch[around]).all(axis=1).mean() > 0.85
    assert (np.ptp(scene.sketch[subject][:, :3].astype(int), axis=1) <= 12).mean() > 0.9
    assert (scene.picture[subject][:, 1] > 180).mean() > 0.9
    assert "green dog" in scene.phrases[0]


def test_without_further_wishes_the_sketch_is_the_picture() -> None:
    scene = composed(("companion",))
    assert np.array_equal(scene.picture, scene.sketch)


def test_colours_that_are_captioned_are_not_in_the_sketch() -> None:
    dog = part("dog").picture
    grey = in_greys(dog)

    def shares(coloured: bool) -> tuple[float, float]:
        rng = np.random.default_rng(0)
        sketches = [Composer._sketched(dog, coloured, rng) for _ in range(300)]
        return (
            float(np.mean([np.array_equal(sketch, grey) for sketch in sketches])),
            float(np.mean([np.array_equal(sketch, dog) for sketch in sketches])),
        )

    greys, plain = shares(coloured=True)
    assert greys == pytest.approx(0.85, abs=0.07) and greys + plain == pytest.approx(1)
    greys, plain = shares(coloured=False)
    assert greys == pytest.approx(0.2, abs=0.07) and plain == pytest.approx(0.6, abs=0.09)  # the others as photos


def test_every_scene_has_a_sketch() -> None:
    for scene, _ in drawn(composer(), 60):
        assert scene.sketch.shape == scene.picture.shape == (SIZE, SIZE, 4)
        assert scene.sketch[..., 3].any() and scene.mask.any()
