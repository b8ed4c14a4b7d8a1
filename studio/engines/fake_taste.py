"""A taste engine without weights: a look is three numbers, and a taste is what the liked ones have more of."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from PIL import Image, ImageDraw

from studio.domain.taste import (
    BesideTaste,
    Reaction,
    TasteAttribute,
    TasteEvent,
    TasteHelp,
    TasteInterest,
    TasteReason,
    TasteSummary,
    TasteVariant,
    TasteVerdict,
)
from studio.engines.base import HelpedTaste, LearnedTaste

_ATTRIBUTES = (
    TasteAttribute(name="warmth", low="cool colours", high="warm colours", measured="Red less blue."),
    TasteAttribute(name="brightness", low="dark", high="bright", measured="Mean of all channels."),
    TasteAttribute(name="contrast", low="soft contrast", high="strong contrast", measured="Spread of all channels."),
)
_SAMPLES = 24
_NAMED = 7  # characters of a colour


class FakeTasteEngine:
    """Measures three things, and likes what the liked pictures have more of than the others.

    Args:
        model: what `model` says; another value makes kept looks outdated.
    """

    def __init__(self, *, model: str = "fake-1") -> None:
        self.looked = 0
        self._model = model

    def model(self) -> str:
        """Return the name given."""
        return self._model

    def attributes(self) -> tuple[TasteAttribute, ...]:
        """Return the three."""
        return _ATTRIBUTES

    def look(self, picture: Image.Image) -> bytes:
        """Return the three numbers, about −1 to 1 each."""
        self.looked += 1
        layer = Image.new("RGBA", picture.size, "white")
        layer.alpha_composite(picture.convert("RGBA"))
        values = np.asarray(layer.convert("RGB").resize((8, 8)), np.float32) / 127.5 - 1
        red, _, blue = values.reshape(-1, 3).mean(axis=0)
        numbers = [float(red - blue), float(values.mean()), float(values.std() * 2 - 1)]
        return np.array(numbers, np.float32).tobytes()

    def reference(self, picture: Image.Image) -> bytes:
        """Return its look and its mean colour."""
        layer = Image.new("RGBA", picture.size, "white")
        layer.alpha_composite(picture.convert("RGBA"))
        red, green, blue = np.asarray(layer.convert("RGB"), float).reshape(-1, 3).mean(axis=0).round().astype(int)
        return f"#{red:02x}{green:02x}{blue:02x}".encode() + self.look(picture)

    def learn(self, events: Sequence[TasteEvent], now: datetime) -> LearnedTaste:
        """Compare the mean of the pictures favoured with that of the others."""
        del now
        sides: dict[bool, dict[str, np.ndarray]] = {True: {}, False: {}}
        for event in events:
            if event.look is not None and event.reaction is not Reaction.LOOK:
                sides[event.reaction.favours][event.file] = np.frombuffer(event.look, np.float32)
        both = sides[True].keys() & sides[False].keys()
        liked, others = ({file: look for file, look in side.items() if file not in both} for side in sides.values())
        away = (np.mean([*liked.values()], axis=0) if liked else 0) - (
            np.mean([*others.values()], axis=0) if others else 0
        )
        leanings = np.clip(np.broadcast_to(away, 3), -1, 1)
        names = [attribute.name for attribute in _ATTRIBUTES]
        interests = (
            (TasteInterest(share=1.0, files=tuple(liked), words=("of all sorts",), centre=(1.0,)),) if liked else ()
        )
        summary = TasteSummary(
            liked=len(liked),
            others=len(others),
            leanings=dict(zip(names, map(float, leanings), strict=True)),
            interests=interests,
            contradictions=len(both),
            undecided=len(both),
        )
        data = json.dumps([float(value) for value in leanings]).encode()
        return LearnedTaste(data=data, summary=summary, files=tuple(liked))

    def score(
        self, learned: bytes, looks: Sequence[bytes], edits: Mapping[str, float], beside: BesideTaste | None = None
    ) -> tuple[TasteVerdict, ...]:
        """Weigh the three numbers, beside a reference also by how near they are to its own."""
        weights = np.array(json.loads(learned))
        for place, attribute in enumerate(_ATTRIBUTES):
            weights[place] = edits.get(attribute.name, weights[place])
        verdicts = [self._verdict(np.frombuffer(look, np.float32) * weights * 3) for look in looks]
        if beside is None:
            return tuple(verdicts)
        reference = np.frombuffer(beside.look[_NAMED:], np.float32)
        likeness = [1 - float(np.abs(np.frombuffer(look, np.float32) - reference).max()) for look in looks]
        return tuple(
            dataclasses.replace(one, likeness=near, preference=beside.mixed(one.preference, 3 * near))
            for one, near in zip(verdicts, likeness, strict=True)
        )

    def lend(self, learned: bytes, edits: Mapping[str, float]) -> Mapping[str, float]:
        """Return the three weights."""
        names = [attribute.name for attribute in _ATTRIBUTES]
        return {**dict(zip(names, json.loads(learned), strict=True)), **edits}

    def borrow(self, learned: bytes, crowd: Sequence[Sequence[Mapping[str, float]]]) -> HelpedTaste:
        """Go half of the way to the mean of those whose weights point the same way."""
        own = np.array(json.loads(learned))
        lent = [np.mean([[one[a.name] for a in _ATTRIBUTES] for one in tastes], axis=0) for tastes in crowd]
        alike = [weights for weights in lent if weights @ own > 0]
        if not alike:
            return HelpedTaste(data=learned, help=TasteHelp(sharing=len(crowd)))
        moved = (np.mean(alike, axis=0) - own) / 2
        leanings = {attribute.name: float(value) for attribute, value in zip(_ATTRIBUTES, moved, strict=True)}
        return HelpedTaste(
            data=json.dumps((own + moved).tolist()).encode(),
            help=TasteHelp(people=len(alike), sharing=len(crowd), leanings=leanings),
        )

    def samples(self) -> tuple[Image.Image, ...]:
        """Return plain discs."""
        return tuple(_disc(number) for number in range(_SAMPLES))

    def next_pair(self, learned: bytes | None, shown: Sequence[int], seed: int) -> tuple[int, int]:
        """Return the first two that were not shown."""
        del learned
        left = [number for number in range(_SAMPLES) if number not in shown] or list(range(_SAMPLES))
        return left[seed % len(left)], left[(seed + 1) % len(left)]

    def variants(
        self,
        learned: bytes,
        interests: Sequence[TasteInterest],
        edits: Mapping[str, float],
        count: int,
        beside: BesideTaste | None = None,
    ) -> tuple[TasteVariant, ...]:
        """Return the styles in turn, beside a reference in its colour."""
        del learned, interests, edits
        ways = ("glossy style", "flat style", "soft style", "modern style")
        colours = ("red", "blue", "green", "orange")
        palette = () if beside is None or beside.share == 1 else (beside.look[:_NAMED].decode(),)
        return tuple(
            TasteVariant(style=ways[number % 4], colour=colours[number // 4 % 4], palette=palette)
            for number in range(min(count, 16))
        )

    @staticmethod
    def _verdict(weights: np.ndarray) -> TasteVerdict:
        total = float(weights.sum())
        reasons = [
            TasteReason(words=attribute.high if weight > 0 else attribute.low, weight=round(float(weight), 3))
            for attribute, weight in zip(_ATTRIBUTES, weights, strict=True)
        ]
        return TasteVerdict(
            probability=1 / (1 + math.exp(-total)),
            preference=total,
            reasons=tuple(sorted(reasons, key=lambda reason: -abs(reason.weight))),
            like="0",
        )


def _disc(number: int) -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    colour = ((number * 67) % 256, (number * 131) % 256, (number * 199) % 256, 255)
    ImageDraw.Draw(picture).ellipse((6, 6, 58, 58), fill=colour)
    return picture
