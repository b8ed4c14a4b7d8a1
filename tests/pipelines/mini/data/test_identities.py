from __future__ import annotations

import numpy as np
import pytest

from pipelines.mini import layout
from pipelines.mini.colours import COLOURS, in_greys, palette, recolour_like
from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.concepts import Concept
from pipelines.mini.data.drawings import Drawing, rasterise
from pipelines.mini.data.identities import Identity, View, make_identity, reproportion, views, views_of
from pipelines.mini.data.individuals import Individual
from tests.pipelines.mini.data.archives import svg, webp

SIZE = 32
FOX = Concept(code="1f98a", name="fox", keywords=(), group="animals", split="train")
DRAWING = Drawing(concept=FOX, style="flat", source=svg("1F98A"))


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build figures at the size of the canvas: hundreds of scenes are then composed in a moment."""
    monkeypatch.setattr(layout, "EDGE", SIZE)


def individual(seed: int = 0, drawing: Drawing = DRAWING) -> Identity:
    made = make_identity(drawing, SIZE, np.random.default_rng(seed))
    assert made is not None
    return made


def seen(count: int) -> tuple[Identity, list[View]]:
    identity = individual()
    hat = Part(name="top hat", style="flat", group="objects", picture=rasterise(svg("1F3A9"), SIZE))
    composer = Composer([hat], {"flat": ["flat style"]}, {("fox", "at night")}, SIZE)
    return identity, views(identity, composer, count, ["flat style"], np.random.default_rng(0))


def test_individuals_differ_in_colour_and_build() -> None:
    rng = np.random.default_rng(0)
    individuals = [make_identity(DRAWING, SIZE, rng) for _ in range(4)]
    pictures = {individual.part.picture.tobytes() for individual in individuals if individual is not None}
    assert len(pictures) == 4
    for individual in individuals:
        assert individual is not None and (individual.part.name, individual.part.style) == ("fox", "flat")
        assert len(set(individual.colours)) == len(individual.colours) == 2
        # its class's drawing has its build: the sketch's outlines are its own
        assert np.array_equal(individual.plain[..., 3], individual.part.picture[..., 3])
    builds = {individual.plain.tobytes() for individual in individuals if individual is not None}
    assert len(builds) > 1 and rasterise(DRAWING.source, SIZE).tobytes() not in builds


def test_raster_drawings_make_individuals_too() -> None:
    drawing = Drawing(concept=FOX, style="glossy", source=webp("1F98A"))
    identity = individual(drawing=drawing)
    assert len(identity.colours) == 1 and identity.part.style == "glossy"
    assert np.array_equal(identity.plain[..., 3], identity.part.picture[..., 3])
    assert not np.array_equal(identity.part.picture, identity.plain)


def test_a_drawing_without_colours_makes_no_individual() -> None:
    lines = Drawing(concept=FOX, style="flat", source='<svg viewBox="0 0 4 4"><path d="M0 0h4v4z" fill="#111"/></svg>')
    assert make_identity(lines, SIZE, np.random.default_rng(0)) is None


def test_captions_of_an_individual_never_tell_its_colours() -> None:
    identity, found = seen(30)
    assert len(found) == 30
    assert np.array_equal(found[0].picture, identity.part.picture) and found[0].caption == "a fox, flat style"
    for view in found:
        assert view.caption.startswith("a fox")
        words = view.caption.split() if "background" not in view.caption else []
        assert not set(words) & set(COLOURS)
        assert "at night" not in view.caption
        assert view.caption.endswith(", flat style")  # says which drawing the sketch shows
    assert len({view.caption for view in found}) > 5


def test_sketches_show_the_class_in_the_colours_of_the_individual() -> None:
    identity, found = seen(30)
    worn = palette(identity.part.picture)
    assert np.abs(found[0].sketch.astype(int) - recolour_like(identity.plain, worn)).mean() < 25
    for view in found:
        assert view.sketch.shape == view.picture.shape == (SIZE, SIZE, 4)
        assert not np.array_equal(view.sketch, view.picture)
        # the same layout without the subject's colours: they are left to the LoRA
        assert np.array_equal(view.greys[..., 3], view.sketch[..., 3])
        assert not np.array_equal(view.greys, view.sketch)
        assert (view.mask > 127).any()


def test_it_is_said_of_a_view_whether_the_individual_is_alone() -> None:
    found = seen(30)[1]
    assert found[0].alone and 0 < sum(view.alone for view in found) < 30
    for view in found:
        assert view.alone == (view.caption == "a fox, flat style")


def test_individuals_that_are_no_recoloured_drawings_keep_their_shape() -> None:
    plain = rasterise(DRAWING.source, SIZE)
    pictures = tuple(np.ascontiguousarray(np.rot90(plain, turn)) for turn in range(4))
    fox = Individual(
        name="3d-fox",
        kind="fox",
        style="flat",
        pictures=pictures,
        views=("", "smiling", "", "seen"),
        source="set@1, Ann",
    )
    drawn = Part(name="fox", style="flat", group="animals", picture=plain)
    hat = Part(name="top hat", style="flat", group="objects", picture=rasterise(svg("1F3A9"), SIZE))
    composer = Composer([hat], {"flat": ["flat style"]}, set(), SIZE)
    found = views_of(fox, drawn, composer, 3, ["flat style"], np.random.default_rng(0))
    assert len(found) == 3 and found[0].alone and found[2].alone
    assert np.array_equal(found[0].picture, pictures[0]) and np.array_equal(found[2].picture, pictures[2])
    assert found[0].caption == "a fox, flat style"
    # its class's drawing, not its own outline, is what the sketch shows
    assert np.array_equal(found[2].greys, in_greys(plain)) and np.array_equal(found[2].sketch[..., 3], plain[..., 3])


@pytest.mark.parametrize("seed", range(8))
def test_proportions_change_by_a_fifth_at_most(seed: int) -> None:
    full = np.full((SIZE, SIZE, 4), 255, np.uint8)
    alpha = reproportion(full, np.random.default_rng(seed))[..., 3] > 127
    edges = sorted((alpha.any(axis=1).sum(), alpha.any(axis=0).sum()))
    assert edges[1] == SIZE and 0.78 * SIZE <= edges[0] <= SIZE
