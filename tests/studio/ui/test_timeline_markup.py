from __future__ import annotations

from datetime import UTC, datetime

from studio.domain.timeline import Happening, Moment
from studio.ui.timeline_markup import folded, timeline, unfolded

MOMENT = Moment(at=datetime(2026, 5, 3, tzinfo=UTC), happening=Happening.FACT, text="likes <i>rain", concept="Bo")


def test_a_card_folds_what_happened_and_shows_nothing_where_nothing_did() -> None:
    assert timeline([]) == ""
    told = timeline([MOMENT])
    assert told.startswith('<details class="k-timeline"><summary>') and "likes &lt;i&gt;rain" in told


def test_what_is_folded_asks_for_its_contents() -> None:
    assert 'data-do="unfold"' in folded() and "<ol>" not in folded()
    told = unfolded([MOMENT])
    assert ' open><summary data-do="unfold">' in told and "likes &lt;i&gt;rain" in told
    assert "Nothing has happened yet." in unfolded([])


def test_what_does_not_fit_is_counted() -> None:
    told = unfolded([MOMENT] * 63)
    assert told.count("<li") == 60 and "And 3 earlier." in told
