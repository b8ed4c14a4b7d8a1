"""Draws the composed scenes: which subject meets which hat, companion, place and ground, held-out pairs left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.mini.data import scenes
from pipelines.mini.data.captions import article, scene_caption

HATS = ("top hat", "crown", "graduation cap", "billed cap")
COMPANIONS = (
    "mushroom", "pizza", "cactus", "doughnut", "hamburger", "balloon", "sunflower", "rocket", "red apple", "red heart",
    "birthday cake", "soccer ball", "gem stone", "star", "rainbow", "ice cream", "butterfly", "wrapped gift", "rose",
    "cat", "dog",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Part:
    """A rasterised drawing with its name and style."""

    name: str
    style: str
    group: str
    picture: np.ndarray


class Composer:
    """Composes captioned scenes from rasterised drawings of one style at a time.

    Args:
        parts: training drawings; hats and companions are found among them by name.
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
            part for part in parts if part.group in ("smileys", "animals", "food", "places", "objects", "activities")
        ]

    def draw(self, rng: np.random.Generator) -> tuple[scenes.Layered, dict] | None:
        """Return one scene and its record, or None where the combination is held out or not drawn in the style."""
        subject = self._subjects[int(rng.integers(len(self._subjects)))]
        kind = str(rng.choice(["hat", "companion", "place", "ground", "moved"], p=[0.2, 0.25, 0.25, 0.15, 0.15]))
        composed = self.compose(subject, kind, rng)
        if composed is None:
            return None
        layered, phrases = composed
        caption = scene_caption(phrases, self._words[subject.style], rng)
        record = {
            "concept": subject.name,
            "style": subject.style,
            "split": "train",
            "kind": kind,
            "captions": [caption],
        }
        return layered, record

    def compose(self, subject: Part, kind: str, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        """Return a scene of a given kind around `subject` and the phrases of its caption."""
        compose = {
            "hat": self._hat,
            "companion": self._companion,
            "place": self._place,
            "ground": self._ground,
            "moved": self._moved,
        }[kind]
        return compose(subject, rng)

    def _allowed(self, subject: Part, other: str) -> bool:
        return (subject.name, other) not in self._held_out

    def _hat(self, subject: Part, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        name = str(rng.choice(HATS))
        hat = self._by_key.get((subject.style, name))
        if hat is None or not self._allowed(subject, name):
            return None
        return scenes.wear(subject.picture, hat.picture, self._size, rng), [
            article(subject.name),
            "wearing",
            article(name),
        ]

    def _companion(self, subject: Part, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        name = str(rng.choice(COMPANIONS))
        other = self._by_key.get((subject.style, name))
        if other is None or name == subject.name or not self._allowed(subject, name):
            return None
        canvas = Image.new("RGBA", (self._size, self._size))
        big, small = float(rng.uniform(0.55, 0.64)), float(rng.uniform(0.28, 0.38))
        left = bool(rng.random() < 0.5)
        x = 0.36 if left else 0.64
        mask = scenes.place_layer(canvas, subject.picture, width=big, centre=(x, 0.52))
        scenes.place_layer(canvas, other.picture, width=small, centre=(1 - x + (0.17 if left else -0.17), 0.66))
        phrase = str(rng.choice(["next to", "with", "and"]))
        return scenes.Layered(picture=np.asarray(canvas), mask=mask), [article(subject.name), phrase, article(name)]

    def _place(self, subject: Part, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        name = str(rng.choice(list(scenes.PLACES)))
        if not self._allowed(subject, name):
            return None
        canvas = scenes.place_picture(name, self._size, rng)
        width = float(rng.uniform(0.5, 0.72))
        mask = scenes.place_layer(
            canvas, subject.picture, width=width, centre=(float(rng.uniform(0.4, 0.6)), 0.93 - width / 2)
        )
        return scenes.Layered(picture=np.asarray(canvas), mask=mask), [article(subject.name), name]

    def _moved(self, subject: Part, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        """The subject alone, smaller, elsewhere or tilted: the caption names only what is seen."""
        canvas = Image.new("RGBA", (self._size, self._size))
        width = float(rng.uniform(0.6, 0.95))
        reach = (1 - width) / 2
        centre = (0.5 + float(rng.uniform(-reach, reach)), 0.5 + float(rng.uniform(-reach, reach)))
        mask = scenes.place_layer(
            canvas, subject.picture, width=width, centre=centre, angle=float(rng.uniform(-12, 12))
        )
        return scenes.Layered(picture=np.asarray(canvas), mask=mask), [article(subject.name)]

    def _ground(self, subject: Part, rng: np.random.Generator) -> tuple[scenes.Layered, list[str]] | None:
        colour = str(rng.choice(list(scenes.GROUNDS)))
        canvas = scenes.ground_picture(colour, self._size)
        mask = scenes.place_layer(canvas, subject.picture, width=float(rng.uniform(0.6, 0.85)), centre=(0.5, 0.5))
        return scenes.Layered(picture=np.asarray(canvas), mask=mask), [
            article(subject.name),
            f"on a {colour} background",
        ]
