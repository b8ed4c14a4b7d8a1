"""Breaking text into lines: even ones, no widows, in any face; pure arithmetic over measured widths."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Measure = Callable[[str], float]
_WIDOW = 0.45  # a last line shorter than this share of the widest one is not liked


def broken(text: str, measure: Measure, room: float, lines_max: int) -> tuple[str, ...] | None:
    """Break `text` into the fewest lines that fit, as even as they can be; None where it does not fit.

    Line ends in `text` are kept. A single word on a last line is avoided where the words before allow it.

    Args:
        text: words separated by blanks.
        measure: returns the width of a line.
        room: width there is, in the measure's unit.
        lines_max: lines at most.
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        words = paragraph.split()
        if not words:
            continue
        found = _fewest(words, measure, room, lines_max - len(lines))
        if found is None:
            return None
        lines += found
    return tuple(lines)


def _fewest(words: Sequence[str], measure: Measure, room: float, lines_max: int) -> list[str] | None:
    for count in range(1, min(lines_max, len(words)) + 1):
        found = _even(words, measure, room, count)
        if found is not None:
            return found
    return None


def _even(words: Sequence[str], measure: Measure, room: float, count: int) -> list[str] | None:
    """Return `count` lines whose free space, squared and summed, is least."""

    @functools.cache
    def best(start: int, left: int) -> tuple[float, tuple[int, ...]]:
        if left == 1:
            width = measure(" ".join(words[start:]))
            last = width if width <= room else math.inf
            return (_cost(last, room, alone=len(words) - start == 1 and count > 1), (len(words),))
        found: tuple[float, tuple[int, ...]] = (math.inf, ())
        for end in range(start + 1, len(words) - left + 2):
            width = measure(" ".join(words[start:end]))
            if width > room:
                break
            rest, ends = best(end, left - 1)
            total = _cost(width, room, alone=False) + rest
            if total < found[0]:
                found = (total, (end, *ends))
        return found

    cost, ends = best(0, count)
    if math.isinf(cost):
        return None
    starts = (0, *ends[:-1])
    return [" ".join(words[start:end]) for start, end in zip(starts, ends, strict=True)]


def _cost(width: float, room: float, *, alone: bool) -> float:
    if math.isinf(width):
        return math.inf
    widow = 0.5 if alone and width < _WIDOW * room else 0.0
    return ((room - width) / room) ** 2 + widow


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where text has to fit.

    Attributes:
        width: in any unit.
        height: in the same unit.
        lines_max: lines at most.
        leading: from line to line, in ems.
    """

    width: float
    height: float
    lines_max: int
    leading: float = 1.1


def largest(text: str, measure: Measure, box: Box, sizes: Sequence[float]) -> tuple[float, tuple[str, ...]] | None:
    """Return the largest of `sizes` at which `text` fits, with its lines; None where even the smallest is too large.

    Args:
        text: what is set.
        measure: returns the width of a line in ems.
        box: where it has to fit.
        sizes: of the letters in the unit of the box, the largest first.
    """
    for size in sizes:
        lines = broken(text, measure, box.width / size, box.lines_max)
        if lines is not None and (1 + (len(lines) - 1) * box.leading) * size <= box.height:
            return size, lines
    return None
