"""How a download tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how far one download is; what it raises stops the download."""

    def __call__(self, done: int, total: int | None, /) -> None:
        """Take the bytes that are here and, where it is known, how many there will be."""


class ModelProgress(Protocol):
    """Told how far the download of a named model is; what it raises stops the download."""

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Take the model, the bytes that are here and, where it is known, how many there will be."""


def no_progress(name: str, done: int, total: int | None, /) -> None:
    """Tell nobody."""
