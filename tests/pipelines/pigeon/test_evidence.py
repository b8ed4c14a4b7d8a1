from __future__ import annotations

import time

import numpy as np

from pipelines.pigeon.evidence import MOST, gather
from pipelines.pigeon.history import Event, Reaction

NOW = 1_000_000.0


def said(picture: int, reaction: Reaction, at: float = NOW, **more) -> Event:
    return Event(picture=picture, reaction=reaction, at=at, deliberate=True, **more)


def test_empty() -> None:
    assert gather([], now=NOW).rows == ()


def test_the_later_word_counts_and_of_one_moment_neither() -> None:
    found = gather(
        [
            said(1, Reaction.LIKE, NOW - 500),
            said(1, Reaction.SKIP, NOW),
            said(2, Reaction.LIKE, NOW),
            said(2, Reaction.SKIP, NOW),
            said(3, Reaction.LIKE),
        ],
        now=NOW,
    )
    assert {row.picture: row.liked for row in found.rows} == {1: False, 3: True}
    assert found.contradictions == (1, 2) and found.undecided == (2,)


def test_more_like_this_counts_more_than_a_like() -> None:
    weights = {
        row.picture: row.weight for row in gather([said(1, Reaction.LIKE), said(2, Reaction.MORE)], now=NOW).rows
    }
    assert weights[2] > weights[1]


def test_picks_become_pairs_and_half_a_pick_does_not() -> None:
    found = gather(
        [
            said(1, Reaction.PICKED, pair="a"), said(2, Reaction.PASSED, pair="a"),
            said(3, Reaction.PICKED, pair="b"),
        ],
        now=NOW,
    )  # fmt: skip
    assert [(row.picture, row.other) for row in found.rows] == [(1, 2)]


def test_ten_thousand_events_are_bounded_and_quick() -> None:
    numbers = np.random.default_rng(0)
    kinds = (Reaction.LIKE, Reaction.SKIP, Reaction.LOOK, Reaction.MORE)
    events = [
        Event(picture=int(numbers.integers(0, 4000)), reaction=kinds[n % 4], at=NOW - 3600.0 * n, seconds=5.0)
        for n in range(10_000)
    ]
    began = time.process_time()
    found = gather(events, now=NOW)
    assert time.process_time() - began < 5
    assert len(found.rows) == MOST and found.left_out > 0
    assert {row.liked for row in found.rows} == {True, False}
