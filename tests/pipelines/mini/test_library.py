from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from pipelines.hyperlora.references import LOOK_DIM
from pipelines.mini.alike import DrawingLooks
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.training.library import HEADS

LIBRARY = Path(__file__).resolve().parents[3] / "assets" / "mini" / "library"

NAMES = ["cat", "dog", "smiling face", "smiling face with sunglasses"]
# each name but the last in two styles
DRAWN = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 1)]


def drawing(number: int) -> np.ndarray:
    picture = np.zeros((24, 24, 4), np.uint8)
    picture[4:20, 4:20] = (30 * number, 200 - 25 * number, 90, 255)
    return picture


@pytest.fixture
def library() -> DrawingLibrary:
    return DrawingLibrary.of(
        [drawing(number) for number in range(len(DRAWN))],
        concepts=[concept for concept, _ in DRAWN],
        styles=[style for _, style in DRAWN],
        embeddings=torch.eye(4),
        names=NAMES,
        style_words={"flat": ["flat style", "simple flat colours"], "glossy": ["glossy style", "3d render"]},
        mirrors=["cat", "dog"],
        held_out=["cat"],
        heads={"cat": {"glossy": [0.2, 0.3, 0.25]}, "smiling face with sunglasses": {"glossy": [0.5, 0.1, 0.4]}},
    )


def number(picture: Image.Image) -> int:
    return round(picture.getpixel((12, 12))[0] / 30)


def test_drawings_are_kept_as_they_were(library: DrawingLibrary) -> None:
    for row, (concept, style) in enumerate(DRAWN):
        picture = library.picture(concept, style)
        assert (picture.mode, picture.size) == ("RGBA", (24, 24))
        values = np.asarray(picture)
        assert np.array_equal(values[..., 3], drawing(row)[..., 3])
        assert np.abs(values[6:18, 6:18, :3].astype(int) - drawing(row)[6:18, 6:18, :3]).max() <= 12


def looks_of(count: int) -> tuple[DrawingLooks, np.ndarray]:
    """What four drawings look like, and their class tokens."""
    tokens = np.random.default_rng(1).normal(size=(count, LOOK_DIM)).astype(np.float32)
    return DrawingLooks.of(tokens, directions=3), tokens


def test_a_look_chooses_among_what_is_near_in_meaning(library: DrawingLibrary, tmp_path: Path) -> None:
    meaning = torch.tensor([0.55, 0.5, 0.45, 0.0])
    library.looks, tokens = looks_of(4)
    library.save_pretrained(tmp_path)
    for known in (library, DrawingLibrary.from_pretrained(tmp_path)):
        assert known.nearest_concept(meaning) == 0
        assert [known.nearest_concept(meaning, look) for look in tokens[:3]] == [0, 1, 2]
        assert known.nearest_concept(meaning, tokens[3]) == 3
        assert known.without(["dog"]).nearest_concept(meaning, tokens[1]) != 1


def test_without_looks_of_drawings_meaning_alone_tells(library: DrawingLibrary) -> None:
    meaning = torch.tensor([0.55, 0.5, 0.45, 0.0])
    assert library.looks is None and library.nearest_concept(meaning, np.ones(LOOK_DIM, np.float32)) == 0


def test_names_are_known_word_for_word(library: DrawingLibrary) -> None:
    assert [library.concept(name) for name in NAMES] == [0, 1, 2, 3]
    assert library.has("smiling face") and not library.has("face") and not library.has("")
    assert library.concept("dogfish") is None


def test_a_concept_is_found_by_meaning(library: DrawingLibrary) -> None:
    assert library.nearest_concept(torch.tensor([0.1, 0.9, 0.2, 0.0])) == 1


@pytest.mark.parametrize(("prompt", "style"), [("a dog, Flat Style", 0), ("a dog, 3d render", 1), ("a dog", None)])
def test_the_asked_style_is_read_from_the_prompt(library: DrawingLibrary, prompt: str, style: int | None) -> None:
    assert library.asked_style(prompt) == style


def test_a_style_that_is_not_drawn_gives_the_one_that_is(library: DrawingLibrary) -> None:
    assert (library.drawn_styles(1), library.drawn_styles(3)) == ([0, 1], [1])
    assert [number(library.picture(1, style)) for style in (0, 1)] == [2, 3]
    assert [number(library.picture(3, style)) for style in (0, 1)] == [6, 6]


def test_heads_are_those_of_the_drawings_that_are_shown(library: DrawingLibrary) -> None:
    assert (library.head(0, 0), library.head(0, 1)) == (None, (0.2, 0.3, 0.25))
    assert library.head(1, 1) is None
    assert library.head(3, 0) == (0.5, 0.1, 0.4)  # not drawn flat: the glossy one is shown


def test_it_is_read_as_it_was_written(library: DrawingLibrary, tmp_path: Path) -> None:
    library.save_pretrained(tmp_path / "library")
    again = DrawingLibrary.from_pretrained(tmp_path / "library")
    for concept, style in DRAWN:
        assert again.picture(concept, style).tobytes() == library.picture(concept, style).tobytes()
    assert (again.names, again.style_words) == (library.names, library.style_words)
    assert (again.mirrors, again.held_out) == (frozenset({"cat", "dog"}), frozenset({"cat"}))
    assert again.nearest_concept(torch.eye(4)[3]) == 3
    assert again.heads == library.heads != {}
    assert again.without(["dog"]).head(0, 1) == library.head(0, 1)


def test_without_some_names_their_neighbours_are_found(library: DrawingLibrary) -> None:
    less = library.without(["dog", "no such name"])
    assert not less.has("dog") and less.concept("dog") is None
    assert less.nearest_concept(torch.tensor([0.4, 0.9, 0.1, 0.0])) == 0
    assert less.nearest_concept(torch.tensor([-0.4, -0.1, -0.3, -0.2])) == 3  # though it is not alike at all
    assert less.drawn_styles(1) == []
    # what is left is where it was
    assert [less.concept(name) for name in ("cat", "smiling face")] == [0, 2]
    assert number(less.picture(2, 1)) == 5
    # and the library it was made from has lost nothing
    assert library.has("dog") and number(library.picture(1, 0)) == 2
    assert library.nearest_concept(torch.eye(4)[1]) == 1


def test_without_nothing_it_is_the_same(library: DrawingLibrary) -> None:
    same = library.without([])
    assert same.names == library.names and same.concept("dog") == 1
    assert same.drawn_styles(0) == [0, 1]


def test_every_shipped_head_is_of_a_drawing_and_in_it() -> None:
    shipped = DrawingLibrary.from_pretrained(LIBRARY)
    assert shipped.heads == yaml.safe_load(HEADS.read_text(encoding="utf-8"))  # what is measured is what is shipped
    styles = list(shipped.style_words)
    for name, of in shipped.heads.items():
        concept = shipped.concept(name)
        assert concept is not None
        for style, (x, top, width) in of.items():
            assert styles.index(style) in shipped.drawn_styles(concept)
            alpha = np.asarray(shipped.picture(concept, styles.index(style)).getchannel("A"))
            edge = len(alpha)
            below = alpha[round(top * edge) : round((top + 0.12) * edge) + 1, round((x - 0.06) * edge) :]
            assert (below[:, : round(0.12 * edge)] > 127).any(), f"nothing is below the hat of {name}, {style}"
            assert 0.1 < width < 0.5


def test_a_cat_with_a_raised_tail_has_its_head_at_the_other_end() -> None:
    shipped = DrawingLibrary.from_pretrained(LIBRARY)
    concept = shipped.concept("cat")
    assert concept is not None
    for style in ("modern", "glossy"):
        head = shipped.head(concept, list(shipped.style_words).index(style))
        assert head is not None and head[0] < 0.35 and head[1] > 0.2
