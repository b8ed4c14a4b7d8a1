"""Which text is true of which drawing, and the drawing of texts for a batch.

Shape legend: N drawings, M texts, C concepts, B batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pipelines.textimage.drawings import Drawing

# How often a drawing brings its name; otherwise any of its texts, among which the long captions are many.
NAME_SHARE = 0.3


class TextPool:
    """All texts of some drawings, each once, and what they are true of.

    A text that several hands' drawings of a concept share (its name, a keyword) is true of every drawing of the
    concept, and of every other concept that shares it; one that names a style or a colour only of its own drawing.

    Attributes:
        texts: M different texts.
    """

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        """Collect the texts.

        Args:
            drawings: N drawings; scenes may give their concept by its name.
        """
        numbers: dict[str, int] = {}
        self._own = [np.array([numbers.setdefault(t, len(numbers)) for t in d.texts]) for d in drawings]
        self._names = [np.array([numbers[name] for name in d.names]) for d in drawings]
        self.texts: tuple[str, ...] = tuple(numbers)
        spelling = {d.names[0]: d.concept for d in drawings if d.source == "index"}
        concepts: dict[str, int] = {}
        self._concept = np.array(
            [concepts.setdefault(spelling.get(d.concept, d.concept), len(concepts)) for d in drawings]
        )
        self._general = np.zeros((len(concepts), len(self.texts)), dtype=bool)
        self._mark_general_texts(drawings)

    def _mark_general_texts(self, drawings: Sequence[Drawing]) -> None:
        """A text is general where two hands share it; with one hand only, its names are."""
        hands: dict[tuple[int, int], set[str]] = defaultdict(set)
        for concept, own, names, drawing in zip(self._concept, self._own, self._names, drawings, strict=True):
            if drawing.source == "index":
                self._general[concept, names] = True
                for text in own:
                    hands[int(concept), int(text)].add(drawing.style)
        for (concept, text), styles in hands.items():
            if len(styles) > 1:
                self._general[concept, text] = True

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Choose a text for each of the drawings `rows` [B]; returns numbers of texts [B]."""
        return np.array([rng.choice(self._names[row] if rng.random() < NAME_SHARE else self._own[row]) for row in rows])

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Give every drawing with each of its own texts: rows [P] and numbers of texts [P]."""
        rows = np.repeat(np.arange(len(self._own)), [len(own) for own in self._own])
        return rows, np.concatenate(self._own)

    def true(self, rows: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Say which text is true of which drawing of a batch.

        Args:
            rows: [B] drawings.
            texts: [B], the text that each drawing brought.

        Returns:
            bool [B, B], drawings by texts.
        """
        general = self._general[np.ix_(self._concept[rows], texts)]
        same_drawing = rows[:, None] == rows[None, :]
        # Word for word the same text, brought by two drawings, is true of both.
        same_text = texts[:, None] == texts[None, :]
        true: np.ndarray = general | same_drawing | same_text
        return true
