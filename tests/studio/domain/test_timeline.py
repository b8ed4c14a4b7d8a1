from __future__ import annotations

from datetime import UTC, datetime, timedelta

from studio.domain.timeline import Happening, Moment, by_day, sentence

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def drawn(hours: float, concept: str = "Bo") -> Moment:
    return Moment(at=NOON + timedelta(hours=hours), happening=Happening.DRAWN, concept=concept)


def test_what_was_done_several_times_on_a_day_is_told_once() -> None:
    told = by_day([drawn(0), drawn(2), drawn(1), drawn(30), drawn(1, "Ana")])
    assert [(moment.concept, moment.count, moment.at) for moment in told] == [
        ("Bo", 1, drawn(30).at), ("Bo", 3, drawn(2).at), ("Ana", 1, drawn(1).at),
    ]  # fmt: skip


def test_what_was_said_keeps_its_own_words() -> None:
    facts = [Moment(at=NOON, happening=Happening.FACT, concept="Bo", text=text) for text in ("likes rain", "is two")]
    assert [sentence(moment) for moment in by_day(facts)] == ["Bo: likes rain", "Bo: is two"]


def test_every_happening_has_its_sentence() -> None:
    for happening in Happening:
        words = sentence(Moment(at=NOON, happening=happening, text="likes rain", count=2, concept="Bo"))
        assert ("Bo" in words) != (happening is Happening.NOTED)
    assert sentence(drawn(0)) == "1 picture of Bo drawn"
