"""Draws the composed scenes: who wears what, rides what, stands beside whom and where, held-out pairs left out.

Every scene comes with the sketch that the denoiser is shown of it: the same layout, the subject in it as the library
draws it, without its colours, or as a camera might have seen it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.mini import layout
from pipelines.mini.colours import COLOURS, in_greys, raster_groups, recolour_pixels
from pipelines.mini.data.captions import article, plural, scene_caption
from pipelines.mini.photographed import photographed

HATS = ("top hat", "crown", "graduation cap", "billed cap")
COMPANIONS = (
    "mushroom", "pizza", "cactus", "doughnut", "hamburger", "balloon", "sunflower", "rocket", "red apple", "red heart",
    "birthday cake", "soccer ball", "gem stone", "star", "rainbow", "ice cream", "butterfly", "wrapped gift", "rose",
    "cat", "dog",
)  # fmt: skip
# what a scene is made of → how often
KINDS: dict[tuple[str, ...], float] = {
    ("alone",): 0.1, ("hat",): 0.18, ("companion",): 0.18, ("place",): 0.18, ("ground",): 0.08, ("mount",): 0.06,
    ("several",): 0.05, ("hat", "place"): 0.06, ("companion", "place"): 0.06, ("hat", "ground"): 0.05,
}  # fmt: skip
_WORDS = {2: "two", 3: "three", 4: "four"}
COLOURED, GREY, PHOTOGRAPHED = 0.3, 0.2, 0.2  # shares of the scenes, the last two of their sketches


@dataclass(frozen=True, kw_only=True)
class Part:
    """A rasterised drawing with its name and style."""

    name: str
    style: str
    group: str
    picture: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A scene: the picture, the subject's mask in it, the sketch of it, and the phrases that say what is there."""

    picture: np.ndarray
    mask: np.ndarray
    sketch: np.ndarray
    phrases: list[str]


class Composer:
    """Composes captioned scenes from rasterised drawings of one style at a time.

    Args:
        parts: training drawings; hats, mounts and companions are found among them by name.
        words: style → its caption words.
        held_out: pairs (subject, other) that must not be composed.
        size: edge of the canvas in pixels.
    """

    def __init__(
        self, parts: list[Part], words: dict[str, list[str]], held_out: set[tuple[str, str]], size: int
    ) -> None:
        self._words, self._held_out, self._size = words, held_out, size
        self._by_key = {(part.style, part.name): part for part in parts}
        self._subjects = [
            part
            for part in parts
            if part.group in ("smileys", "people", "animals", "food", "places", "objects", "activities")
        ]

    def draw(self, rng: np.random.Generator) -> tuple[Composed, dict] | None:
        """Return one scene and its record, or None where the combination is held out or not drawn in the style."""
        subject = self._subjects[int(rng.integers(len(self._subjects)))]
        kinds = list(KINDS)
        kind = kinds[int(rng.choice(len(kinds), p=np.array(list(KINDS.values()))))]
        picture = subject.picture
        colours: tuple[str, ...] = ()
        if rng.random() < COLOURED:
            groups = raster_groups(picture)
            colours = tuple(str(c) for c in rng.choice(list(COLOURS), size=int(rng.integers(1, 3)), replace=False))
            colours = colours[: len(groups)]
            if not colours or not all(self.allowed(subject.name, colour) for colour in colours):
                return None
            picture = recolour_pixels(picture, colours, groups)
        sketch = self._sketched(subject.picture, bool(colours), rng)
        name = f"{' and '.join(colours)} {subject.name}".strip()
        composed = self.compose(subject, kind, rng, picture=picture, sketch=sketch, called=name)
        if composed is None:
            return None
        record = {
            "concept": subject.name,
            "style": subject.style,
            "split": "train",
            "kind": "+".join(kind),
            "colours": list(colours),
            "captions": [scene_caption(composed.phrases, self._words[subject.style], rng)],
        }
        return composed, record

    @staticmethod
    def _sketched(picture: np.ndarray, coloured: bool, rng: np.random.Generator) -> np.ndarray:
        chance = rng.random()
        if chance < (0.85 if coloured else GREY):
            return in_greys(picture)
        return picture if coloured or chance > GREY + PHOTOGRAPHED else photographed(picture, rng)

    def compose(
        self,
        subject: Part,
        kind: tuple[str, ...],
        rng: np.random.Generator,
        *,
        picture: np.ndarray | None = None,
        sketch: np.ndarray | None = None,
        called: str | None = None,
    ) -> Composed | None:
        """Return a scene of a given kind around `subject`.

        Args:
            subject: whose name and style say what may be composed with it.
            kind: what there is beside it, see `KINDS`.
            rng: draws the layout.
            picture: the subject as it is to be drawn, RGBA [S, S, 4]; None: its own drawing.
            sketch: the subject as the sketch shows it; None: its own drawing.
            called: how the caption calls it; None: by its name.
        """
        name = called or subject.name
        phrases, count = [article(name)], 1
        cast: dict = {}
        for what in kind:
            if what == "several":
                count = int(rng.integers(2, 5))
                phrases[0] = f"{_WORDS[count]} {plural(name)}"
                cast["count"] = count
            elif what in ("hat", "mount", "companion"):
                other = str(rng.choice({"hat": HATS, "mount": tuple(layout.MOUNTS), "companion": COMPANIONS}[what]))
                part = self._by_key.get((subject.style, other))
                if part is None or other == subject.name or not self.allowed(subject.name, other):
                    return None
                figure = layout.Figure.of(part.picture)
                if what == "hat":
                    cast["hat"] = figure
                    phrases.append(f"wearing {article(other)}")
                elif what == "mount":
                    cast["mount"] = (figure, layout.MOUNTS[other])
                    phrases.append(f"riding {article(other)}")
                else:
                    cast["companions"] = (figure,)
                    phrases.append(f"{rng.choice(['next to', 'with', 'and'])} {article(other)}")
        setting = self._setting(subject, kind, rng, phrases)
        if setting is None:
            return None
        seed = int(rng.integers(2**32))
        layered = [
            layout.compose(
                layout.Cast(subject=layout.Figure.of(shown, subject=True), **cast),
                setting, self._size, np.random.default_rng(seed),
            )
            for shown in (
                subject.picture if picture is None else picture, subject.picture if sketch is None else sketch
            )
        ]  # fmt: skip
        return Composed(picture=layered[0].picture, mask=layered[0].mask, sketch=layered[1].picture, phrases=phrases)

    def allowed(self, subject: str, other: str) -> bool:
        """Whether a pair is not held out."""
        return (subject, other) not in self._held_out

    def _setting(
        self, subject: Part, kind: tuple[str, ...], rng: np.random.Generator, phrases: list[str]
    ) -> layout.Setting | None:
        if "ground" in kind:
            colour = str(rng.choice(list(layout.GROUNDS)))
            phrases.append(f"on a {colour} background")
            return layout.Setting(ground=colour)
        if "place" not in kind:
            return layout.Setting()
        place = str(rng.choice(list(layout.PLACES)))
        phrases.append(place)
        props = [self._by_key.get((subject.style, prop)) for prop in layout.PLACES[place].props]
        if not self.allowed(subject.name, place) or None in props:
            return None
        return layout.Setting(place=place, props=tuple(layout.Figure.of(prop.picture) for prop in props if prop))
