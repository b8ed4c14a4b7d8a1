"""Photos that should show one thing, and what is said when they do not look like it."""

from __future__ import annotations

from collections.abc import Sequence

Groups = Sequence[Sequence[int]]


def what_is_mixed(groups: Groups) -> str:
    """Say in a sentence which photos do not look alike; empty where all do.

    Args:
        groups: of photos that look alike, by their numbers from 0, the largest first.
    """
    count = sum(map(len, groups))
    first, *others = groups or [[]]
    if not others:
        return ""
    if len(first) == 1:
        return "The two photos do not look alike." if count == 2 else f"No two of the {count} photos look alike."
    odd = sorted(number for group in others for number in group)
    if len(first) > len(odd):
        verb = "does" if len(odd) == 1 else "do"
        return f"{_photos(odd)} of {count} {verb} not look like the others."
    return f"{_photos(first)} of {count} look alike, but the others do not look like them."


def _photos(numbers: Sequence[int]) -> str:
    spoken = [str(number + 1) for number in numbers]
    if len(spoken) == 1:
        return f"Photo {spoken[0]}"
    return f"Photos {', '.join(spoken[:-1])} and {spoken[-1]}"
