"""What an engine needs of this machine, for those who ask before anything is drawn; an engine may say so or not."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class NeedsModels(Protocol):
    """An engine that uses models of the catalogue."""

    def needs(self) -> tuple[str, ...]:
        """Return their names; cheap, fetches and loads nothing."""


@runtime_checkable
class NeedsMore(Protocol):
    """An engine that uses what no catalogue knows."""

    def lacks(self) -> tuple[str, ...]:
        """Return what is not there yet, a sentence each that says what to do; asks no network, loads nothing."""


def models_needed(engine: object) -> tuple[str, ...]:
    """Return the names of the models of the catalogue that `engine` uses; none where it does not say."""
    return engine.needs() if isinstance(engine, NeedsModels) else ()


def what_is_lacking(engine: object) -> tuple[str, ...]:
    """Return what `engine` finds missing besides the catalogue's models."""
    return engine.lacks() if isinstance(engine, NeedsMore) else ()
