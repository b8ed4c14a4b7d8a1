from __future__ import annotations

import numpy as np

from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.concepts import Concept
from pipelines.mini.data.drawings import Drawing, rasterise
from pipelines.mini.data.identities import make_identity, reproportion, views
from pipelines.mini.data.recolour import COLOURS
from tests.pipelines.mini.data.archives import svg

SIZE = 32
FOX = Concept(code="1f98a", name="fox", keywords=(), group="animals", split="train")
DRAWING = Drawing(concept=FOX, style="flat", source=svg("1F98A"))


def test_individuals_differ_in_colour_and_build() -> None:
    rng = np.random.default_rng(0)
    individuals = [make_identity(DRAWING, SIZE, rng) for _ in range(4)]
    pictures = {individual.picture.tobytes() for individual in individuals if individual is not None}
    assert len(pictures) == 4
    for individual in individuals:
        assert individual is not None and individual.name == "fox"
        assert len(set(individual.colours)) == len(individual.colours) == 2


def test_a_drawing_without_colours_makes_no_individual() -> None:
    lines = Drawing(concept=FOX, style="flat", source='<svg viewBox="0 0 4 4"><path d="M0 0h4v4z" fill="#111"/></svg>')
    assert make_identity(lines, SIZE, np.random.default_rng(0)) is None


def test_captions_of_an_individual_never_tell_its_colours() -> None:
    rng = np.random.default_rng(0)
    identity = make_identity(DRAWING, SIZE, rng)
    assert identity is not None
    hat = Part(name="top hat", style="flat", group="objects", picture=rasterise(svg("1F3A9"), SIZE))
    composer = Composer([hat], {"flat": ["flat style"]}, {("fox", "at night")}, SIZE)
    seen = views(identity, composer, 30, ["flat style"], rng)
    assert len(seen) == 30
    assert np.array_equal(seen[0][0], identity.picture) and seen[0][1] == "a fox, flat style"
    for _, caption in seen:
        assert caption.startswith("a fox")
        words = caption.split(" background")[0].split() if "background" not in caption else []
        assert not set(words) & set(COLOURS)
        assert "at night" not in caption


def test_proportions_change_by_a_fifth_at_most() -> None:
    full = np.full((SIZE, SIZE, 4), 255, np.uint8)
    for seed in range(8):
        alpha = reproportion(full, np.random.default_rng(seed))[..., 3] > 127
        edges = sorted((alpha.any(axis=1).sum(), alpha.any(axis=0).sum()))
        assert edges[1] == SIZE and 0.78 * SIZE <= edges[0] <= SIZE
