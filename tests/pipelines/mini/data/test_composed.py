from __future__ import annotations

import numpy as np
import pytest

from pipelines.mini.data.composed import Composer, Part
XX

SIZE = 32
NAMES = {"dog": "animals", "fox": "animals", "mushroom": "food", "top hat": "objects", "red heart": "symbols"}


def part(name: str, style: str = "flat") -> Part:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[8:24, 8:24] = (90, 30, len(name) * 9, 255)
    return Part(name=name, style=style, group=NAMES[name], picture=picture)


def composer(held_out: set[tuple[str, str]] = frozenset()) -> Composer:  # type: ignore[assignment]
    return Composer([part(name) for name in NAMES], {"flat": ["flat style"]}, set(held_out), SIZE)


def drawn(composer: Composer, count: int = 300) -> list[dict]:
    rng = np.random.default_rng(0)
    scenes = (composer.draw(rng) for _ in range(count))
    return [scene[1] for scene in scenes if scene is not None]


def test_captions_say_what_is_there() -> None:
    records = drawn(composer())
    assert {record["kind"] for record in records} == {"hat", "companion", "place", "ground", "moved"}
    for record in records:
        caption = record["captions"][0].removesuffix(", flat style")
        rest = {
            "hat": [" wearing a top hat"],
            "companion": [
                f" {word} a {name}" for word in ("next to", "with", "and") for name in ("mushroom", "dog", "red heart")
            ],
            "place": [f" {place}" for place in PLACES],
            "ground": [f" on a {colour} background" for colour in GROUNDS],
            "moved": [""],
        }[record["kind"]]
        assert caption in [f"a {record['concept']}{end}" for end in rest]
    # symbols come along, but nothing is drawn around them
    assert "red heart" not in {record["concept"] for record in records}


def test_held_out_pairs_are_never_drawn() -> None:
    pairs = {("fox", "top hat"), ("dog", "mushroom"), ("fox", "at night")}
    for record in drawn(composer(pairs), 600):
        text = record["captions"][0]
        assert not any(record["concept"] == subject and other in text for subject, other in pairs)
    assert any("fox wearing a top hat" in record["captions"][0] for record in drawn(composer(), 600))


def test_nothing_stands_beside_itself() -> None:
    alone = Composer([part("mushroom")], {"flat": ["flat style"]}, set(), SIZE)
    assert not any(record["kind"] == "companion" for record in drawn(alone))


@pytest.mark.parametrize("kind", ["hat", "companion"])
def test_only_drawings_of_one_hand_meet(kind: str) -> None:
    mixed = Composer(
        [part("dog", "flat"), part("mushroom", "soft"), part("top hat", "soft")],
        {"flat": ["f"], "soft": ["s"]},
        set(),
        SIZE,
    )
    rng = np.random.default_rng(0)
    assert all(mixed.compose(part("dog", "flat"), kind, rng) is None for _ in range(40))


def test_the_mask_is_the_subject_alone() -> None:
    layered, _ = composer().compose(part("dog"), "ground", np.random.default_rng(0)) or pytest.fail("not drawn")
    assert (layered.picture[..., 3] == 255).all()
    share = (layered.mask > 127).mean()
    assert 0.3 < share < 0.8
