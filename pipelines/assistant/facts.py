"""Which facts answer a question: sentence features of both, names taken out, one measured threshold.

Shape legend: F facts, D = 384.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import yaml

from pipelines.assistant.questions import without_names
from pipelines.features.preprocessing import FloatArray

DEFAULT_CONFIG = Path(__file__).resolve().parents[2] / "configs" / "assistant.yaml"
_KEPT = 4096  # vectors of facts that are held; 6 MB
_COMPARED_MAX = 256  # facts of things that the question does not mean
_STOP = frozenset(
    "a an and are about at by can did do does for from has have how i in is it its me my of on or our that the their "  # noqa: SIM905
    "this to was what when where which who whose why will with you your".split()
)


class SentenceEncoder(Protocol):
    """Texts to vectors; `pipelines.features.text_encoder.MiniLMTextEncoder` is one."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 [N, D], rows of length 1."""


@dataclass(frozen=True, kw_only=True)
class FactThresholds:
    """Cosines, measured by ``tests/bench/bench_assistant.py``.

    Attributes:
        answers: from here on a fact is given as the answer.
        near: from here on it is offered as perhaps the answer.
    """

    answers: float
    near: float


def load_thresholds(config: Path = DEFAULT_CONFIG) -> FactThresholds:
    """Read the thresholds from a configuration file."""
    values = yaml.safe_load(config.read_text(encoding="utf-8"))["facts"]
    return FactThresholds(answers=float(values["answers"]), near=float(values["near"]))


class FactFinder:
    """Compares a question with facts.

    The names are replaced by ``it`` on both sides: with the name in both, every fact about a thing is alike to every
    question about it. Measured over 48 questions, the right one of four facts is first in 0.99 against 0.94.
    """

    def __init__(self, encoder: SentenceEncoder, thresholds: FactThresholds) -> None:
        self.thresholds = thresholds
        self._encoder = encoder
        self._vectors: OrderedDict[str, FloatArray] = OrderedDict()

    def relevance(self, question: str, facts: Sequence[str], names: Sequence[str]) -> FloatArray:
        """Return how well each fact answers the question, float32 [F], −1 to 1."""
        if not facts:
            return np.zeros(0, np.float32)
        asked = self._encoder.embed([without_names(question, names, "it")])[0]
        return np.stack(self._of_facts([bare(fact, names) for fact in facts])) @ asked

    def _of_facts(self, sentences: Sequence[str]) -> list[FloatArray]:
        missing = list(dict.fromkeys(one for one in sentences if one not in self._vectors))
        if missing:
            self._vectors.update(zip(missing, self._encoder.embed(missing), strict=True))
        found = [self._vectors[one] for one in sentences]
        while len(self._vectors) > _KEPT:
            self._vectors.popitem(last=False)
        return found


def bare(fact: str, names: Sequence[str]) -> str:
    """Return a fact as a sentence about ``it``: ``afraid of balloons`` and ``Bo is afraid …`` begin alike."""
    plain = without_names(fact, names, "it")
    return plain if re.match(r"it\b", plain, re.IGNORECASE) else f"it {plain}"


def sharing_words(question: str, facts: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the indices of the facts worth comparing with a question that names nothing, at most 256.

    Those that share the beginning of a word with it come first: the encoder is too slow for tens of thousands.
    """
    asked = _stems(without_names(question, names, " "))
    overlap = [len(asked & _stems(fact)) for fact in facts]
    return sorted(range(len(facts)), key=lambda index: -overlap[index])[:_COMPARED_MAX]


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w+", text.casefold()) if word not in _STOP}
