from __future__ import annotations

import numpy as np
import pytest

from pipelines.pigeon.history import Event, Reaction, denoise, fused_weights, horizon_weights


def calm(count: int = 20, start: float = 0.0) -> list[Event]:
    return [
        Event(picture=n, reaction=Reaction.LIKE if n % 2 else Reaction.SKIP, at=start + 15.0 * n, seconds=4.0)
        for n in range(count)
    ]


def test_a_calm_history_is_kept() -> None:
    assert denoise(calm()).events == tuple(calm()) and not denoise(calm()).dropped


def test_a_burst_by_somebody_else_is_left_out() -> None:
    burst = [Event(picture=90 + n, reaction=Reaction.LIKE, at=400.0 + 0.3 * n, seconds=1.0) for n in range(15)]
    found = denoise([*calm(), *burst])
    assert found.dropped == {"burst": 15} and found.events == tuple(calm())


def test_many_deliberate_ones_at_once_are_no_burst() -> None:
    folder = [Event(picture=n, reaction=Reaction.LIKE, at=1000.0, deliberate=True) for n in range(60)]
    assert len(denoise([*calm(), *folder]).events) == 80


def test_slips_and_glances() -> None:
    slip = Event(picture=50, reaction=Reaction.LIKE, at=5000.0, seconds=0.2)
    glance = Event(picture=51, reaction=Reaction.LOOK, at=5100.0, seconds=3.0)
    long = Event(picture=52, reaction=Reaction.LOOK, at=5200.0, seconds=30.0)
    found = denoise([*calm(), slip, glance, long])
    assert found.dropped == {"accident": 1, "glance": 1} and long in found.events


def test_nothing() -> None:
    assert denoise([]).events == () and fused_weights(np.zeros(0)).size == 0


def test_horizons_fade_in_order() -> None:
    weights = horizon_weights(np.array([10.0]))
    assert weights["instant"] < weights["evolving"] < weights["stable"]


def test_newer_counts_more_and_old_still_counts() -> None:
    weights = fused_weights(np.array([0.0, 7.0, 60.0, 4000.0]))
    assert list(weights) == sorted(weights, reverse=True)
    assert weights[0] == pytest.approx(1) and weights[-1] >= 0.2
