"""Briefings for the tests of the assistant, and an encoder that knows which words mean the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, CardFact, Spot
from pipelines.assistant.facts import FactFinder, FactThresholds
from pipelines.assistant.quoting import Quoting
from pipelines.features.preprocessing import FloatArray, normalise_rows

SAME = {"eat": "carrots", "food": "carrots", "scares": "afraid", "owner": "belongs"}
WORDS = ("afraid", "carrots", "belongs", "born", "sofa")


class WordEncoder:
    """Counts a few words; what it cannot read points elsewhere."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.texts += texts
        rows = np.full((len(texts), len(WORDS) + 1), 0.01, np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = [SAME.get(word, word) for word in re.findall(r"\w+", text.casefold())]
            row[:-1] += [words.count(word) for word in WORDS]
            row[-1] += not any(word in WORDS for word in words)
        return normalise_rows(rows)


BO = Card(
    name="Bo",
    also=("bo",),
    kind="dog",
    facts=(CardFact(id="b0", text="afraid of balloons"), CardFact(id="b1", text="likes carrots")),
)
MUG = Card(name="Ana's mug", also=("ana-s-mug",), kind="mug", facts=(CardFact(id="m0", text="belongs to Ana"),))
PICTURE = Image.new("RGB", (64, 48), "white")


def quoting() -> Quoting:
    return Quoting(FactFinder(WordEncoder(), FactThresholds(answers=0.5, near=0.3)))


def briefing(question: str, *meant: Card, spots: Sequence[Spot] = (), **more: Any) -> Briefing:
    cards = tuple(replace(card, meant=card in meant) for card in (BO, MUG))
    picture = more.pop("picture", PICTURE if spots else None)
    return Briefing(question=question, cards=cards, spots=tuple(spots), picture=picture, **more)


def spot(card: int | None = None, sureness: str = "sure", kind: str = "", left: float = 0.0) -> Spot:
    return Spot(box=(left, 0.3, left + 0.3, 0.7), card=card, sureness=sureness, kind=kind)
