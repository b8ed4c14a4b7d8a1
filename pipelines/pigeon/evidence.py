"""From events to what a taste is learned from: pictures that are liked or not, and picks between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.pigeon.history import STRENGTHS, Denoised, Event, Reaction, denoise, fused_weights

MOST = 320  # rows at most: learning costs their cube, and what a person wants is clear long before
_DAY = 86400.0
_SAME_MOMENT = 2.0  # seconds within which two opposite words about one picture have no order


@dataclass(frozen=True, kw_only=True)
class Row:
    """One observation: that `picture` is liked (`liked`) or not, or preferred to `other` where there is one.

    Attributes:
        picture: index of the picture.
        liked: whether it is.
        weight: how much it counts, above 0.
        other: index of the picture that was passed over; None: no pair.
    """

    picture: int
    liked: bool
    weight: float
    other: int | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Rows, and what of the history they do not hold.

    Attributes:
        rows: the strongest and newest of each kind, at most `MOST`.
        contradictions: pictures both liked and refused; the later word counts, of the same moment neither.
        undecided: those of them of which neither counts.
        dropped: events that were left out, by reason.
        left_out: rows beyond `MOST`.
    """

    rows: tuple[Row, ...]
    contradictions: tuple[int, ...] = ()
    undecided: tuple[int, ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def liked(self) -> tuple[int, ...]:
        """Indices of the pictures that are liked or were picked, each once."""
        return tuple(dict.fromkeys(row.picture for row in self.rows if row.liked))


def gather(events: Sequence[Event], *, now: float, filtered: bool = True) -> Evidence:
    """Turn a history into evidence.

    Args:
        events: in any order.
        now: the present moment, in seconds like the events'.
        filtered: whether accidents and bursts are left out; False only to see what that is worth.
    """
    clean = denoise(events) if filtered else Denoised(events=tuple(events))
    ages = np.array([(now - event.at) / _DAY for event in clean.events])
    fresh = dict(zip(map(id, clean.events), fused_weights(ages), strict=True))
    told: dict[int, list[Event]] = defaultdict(list)
    for event in clean.events:
        if event.reaction in STRENGTHS:
            told[event.picture].append(event)
    rows, contradictions, undecided = [], [], []
    for picture, about in told.items():
        counted, opposed = _last_word(about)
        if opposed:
            contradictions.append(picture)
        if not counted:
            undecided.append(picture)
            continue
        strength = sum(STRENGTHS[event.reaction] * float(fresh[id(event)]) for event in counted)
        rows.append(Row(picture=picture, liked=strength > 0, weight=min(2.0, abs(strength))))
    rows += _picks(clean.events, fresh)
    rows.sort(key=lambda row: -row.weight)
    return Evidence(
        rows=tuple(_balanced(rows)),
        contradictions=tuple(contradictions),
        undecided=tuple(undecided),
        dropped=clean.dropped,
        left_out=max(0, len(rows) - MOST),
    )


def _last_word(about: list[Event]) -> tuple[list[Event], bool]:
    """Return the events of one picture that count, and whether there were opposite ones."""
    last = max(about, key=lambda event: event.at)
    sign = STRENGTHS[last.reaction] > 0
    against = [event for event in about if (STRENGTHS[event.reaction] > 0) != sign]
    if not against:
        return about, False
    if any(last.at - event.at <= _SAME_MOMENT for event in against):
        return [], True
    return [event for event in about if event not in against], True


def _picks(events: Sequence[Event], fresh: dict[int, float]) -> list[Row]:
    pairs: dict[str, dict[Reaction, Event]] = defaultdict(dict)
    for event in events:
        if event.pair:
            pairs[event.pair][event.reaction] = event
    return [
        Row(
            picture=both[Reaction.PICKED].picture,
            liked=True,
            weight=float(fresh[id(both[Reaction.PICKED])]),
            other=both[Reaction.PASSED].picture,
        )
        for both in pairs.values()
        if Reaction.PICKED in both and Reaction.PASSED in both
    ]


def _balanced(rows: list[Row]) -> list[Row]:
    """Return at most `MOST` rows, the strongest first, neither side shut out by the other's number."""
    if len(rows) <= MOST:
        return rows
    liked, others = [row for row in rows if row.liked], [row for row in rows if not row.liked]
    fair = max(MOST // 2, MOST - len(others)), max(MOST // 2, MOST - len(liked))
    return liked[: fair[0]] + others[: fair[1]]
