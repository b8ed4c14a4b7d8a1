"""Questions with lettered answers to choose from: reading them, and choosing by what was answered to the question.

What is Bo afraid of?
A. thunder
B. balloons
Answer with one letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray

_LETTERS = "ABCDEFGH"
_OPTION = re.compile(r"^\s*\(?([A-Ha-h])[.):]\s+(\S.*?)\s*$")
_OPTIONS = re.compile(r"^\s*options?:\s*$", re.IGNORECASE)
_QUESTION = re.compile(r"^\s*question:\s*", re.IGNORECASE)
# How an answer is wanted; the question is what stands before.
_MANNER = re.compile(
    r"\s*(?:please )?(?:answer|reply|respond)\b[^.?!\n]{0,60}\b(?:yes or no|letter|word|phrase|option)\b"
    r"[^.?!\n]{0,40}[.!]?\s*$",
    re.IGNORECASE,
)
_NONE = re.compile(r"^(?:none|neither|nobody|nothing|no one)\b|\bnot known\b|\bdon[’']t know\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A question, and what may be chosen; the first option is A."""

    question: str
    options: tuple[str, ...]

    def labelled(self, option: int) -> str:
        """Return an option as it is named in an answer: ``B: balloons``."""
        return f"{_LETTERS[option]}: {self.options[option]}"


def choice_of(question: str) -> Choice | None:
    """Read the options of a question, lettered from A on and on lines of their own; None where there are none."""
    asked: list[str] = []
    options: list[str] = []
    for line in question.splitlines():
        found = _OPTION.match(line)
        if found is not None and len(options) < len(_LETTERS) and found[1].upper() == _LETTERS[len(options)]:
            options.append(found[2])
        elif not options and not _OPTIONS.match(line):
            asked.append(_QUESTION.sub("", line))
    stem = without_manner("\n".join(asked).strip())
    return Choice(question=stem, options=tuple(options)) if len(options) > 1 and stem else None


def without_manner(question: str) -> str:
    """Return a question without a last sentence on how it is to be answered: “Answer with yes or no.”"""
    plain = _MANNER.sub("", question)
    return plain if plain.strip() else question


def chosen(
    options: Sequence[str], answer: str, facts: Sequence[str], alike: Callable[[Sequence[str]], FloatArray]
) -> int | None:
    """Return which option an answer means; None: none of them.

    Args:
        options: in words.
        answer: to the question, without the options in view.
        facts: words of the facts that the answer quotes.
        alike: compares `options` with what was quoted, [O]; used only where no option stands in the answer.
    """
    told = [option for option in range(len(options)) if _stands_in(options[option], answer)]
    if told:
        return max(told, key=lambda option: len(options[option]))
    if facts:
        return int(np.argmax(alike(options)))
    return next((at for at, option in enumerate(options) if _NONE.search(option)), None)


def _stands_in(option: str, answer: str) -> bool:
    words, said = _words(option), _words(answer)
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(said)} "


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold().replace("’", "'"))
