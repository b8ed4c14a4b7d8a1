"""What a person did with pictures, and what of it may count (PHG-DIF, Liu et al. 2025, arXiv 2508.07178).

Times are seconds since any fixed moment. The thresholds of the paper are not published; these are this project's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Reaction(StrEnum):
    """What a person did with a picture; `PASSED` is the other one of a pair of which one was `PICKED`."""

    LIKE = "like"
    MORE = "more"  # more like this
    DOWNLOAD = "download"
    LOOK = "look"  # looked at for some seconds
    SKIP = "skip"
    HIDE = "hide"
    PICKED = "picked"
    PASSED = "passed"


# How strongly a reaction speaks; the sign says for or against. Looking counts only when it was long, see `denoise`.
STRENGTHS: dict[Reaction, float] = {
    Reaction.LIKE: 1.0,
    Reaction.MORE: 1.5,
    Reaction.DOWNLOAD: 0.8,
    Reaction.LOOK: 0.25,
    Reaction.SKIP: -0.7,
    Reaction.HIDE: -1.2,
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One reaction.

    Attributes:
        picture: index of the picture.
        reaction: what was done.
        at: when, in seconds.
        seconds: how long the picture was looked at before; None: not known.
        deliberate: an import or a pick between two; filters pass it over, since nobody does that by accident.
        pair: what the two events of one pick share; "" otherwise.
    """

    picture: int
    reaction: Reaction
    at: float
    seconds: float | None = None
    deliberate: bool = False
    pair: str = ""


@dataclass(frozen=True, kw_only=True)
class DenoiseSettings:
    """Thresholds of the filters.

    Attributes:
        least_seconds: a reaction after a shorter look is an accident.
        least_share: of the person's own median look, likewise.
        long_look: quantile of the person's own looks from which on a look without another reaction counts.
        window: seconds of a burst's window.
        burst: a window with fewer reactions is never a burst.
        deviations: robust standard deviations above the person's own usual number of reactions in a window.
    """

    least_seconds: float = 0.6
    least_share: float = 0.15
    long_look: float = 0.75
    window: float = 10.0
    burst: int = 8
    deviations: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Denoised:
    """What may count, and how many events were left out for which reason."""

    events: tuple[Event, ...]
    dropped: dict[str, int] = field(default_factory=dict)


def denoise(events: Sequence[Event], settings: DenoiseSettings | None = None) -> Denoised:
    """Leave out reactions after too short a look, those of bursts, and looks that were not long."""
    settings = settings or DenoiseSettings()
    looks = np.array([event.seconds for event in events if event.seconds is not None and not event.deliberate])
    least = max(settings.least_seconds, settings.least_share * float(np.median(looks))) if len(looks) else 0.0
    long = float(np.quantile(looks, settings.long_look)) if len(looks) else np.inf
    bursts = _in_bursts(events, settings)
    dropped: Counter[str] = Counter()
    kept = []
    for event, burst in zip(events, bursts, strict=True):
        reason = "" if event.deliberate else _reason(event, burst, least, long)
        if reason:
            dropped[reason] += 1
        else:
            kept.append(event)
    return Denoised(events=tuple(kept), dropped=dict(dropped))


def _reason(event: Event, burst: bool, least: float, long: float) -> str:
    if burst:
        return "burst"
    if event.reaction is Reaction.LOOK:
        return "" if event.seconds is not None and event.seconds >= max(long, least) else "glance"
    return "accident" if event.seconds is not None and event.seconds < least else ""


def _in_bursts(events: Sequence[Event], settings: DenoiseSettings) -> NDArray[np.bool_]:
    """Say of every event whether the window around it holds unusually many reactions of this person [n]."""
    found = np.zeros(len(events), bool)
    places = [place for place, event in enumerate(events) if not event.deliberate]
    if not places:
        return found
    times = np.array([events[place].at for place in places])
    ordered = np.sort(times)
    half = settings.window / 2
    around = np.searchsorted(ordered, times + half, "right") - np.searchsorted(ordered, times - half, "left")
    # How many reactions a window usually holds is asked of windows, not of events: a long burst is still one of few.
    _, usual = np.unique(np.floor(ordered / settings.window), return_counts=True)
    middle = float(np.median(usual))
    spread = max(1.0, 1.4826 * float(np.median(np.abs(usual - middle))))
    found[places] = around >= max(settings.burst, middle + settings.deviations * spread)
    return found


# Days after which the memory of each horizon has faded to a third: what somebody wants now, these weeks, always.
HORIZONS: dict[str, float] = {"instant": 1.0, "evolving": 14.0, "stable": 180.0}
_OLDEST = 0.2  # what was never taken back keeps counting a little


def horizon_weights(ages: NDArray) -> dict[str, NDArray]:
    """Return exp(−age/τ) for the horizons; `ages` in days [n]."""
    return {name: np.exp(-np.maximum(0.0, ages) / days) for name, days in HORIZONS.items()}


def fused_weights(ages: NDArray) -> NDArray:
    """Return how much evidence of some age counts, 0.2–1 [n]: the horizons mixed by how much evidence each holds.

    A horizon that has seen little (nothing was done today) gets little say; its share goes as the root of its mass.
    """
    if not len(ages):
        return np.zeros(0)
    horizons = horizon_weights(ages)
    gates = np.array([np.sqrt(weights.sum()) for weights in horizons.values()])
    fused = np.einsum("h,hn->n", gates / max(1e-9, gates.sum()), np.stack(list(horizons.values())))
    return _OLDEST + (1 - _OLDEST) * fused / max(1e-9, float(fused.max()))
