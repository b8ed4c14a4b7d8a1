from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.domain.identifiers import IdSource, made_at


def test_ids_increase_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    moments = iter([1000, 1000, 1000, 400, 1001])
    source = IdSource(lambda: next(moments))
    ids = [source() for _ in range(5)]
    assert ids == sorted(set(ids))
    assert {len(made) for made in ids} == {32}


def test_an_id_begins_with_its_moment() -> None:
    assert IdSource(lambda: 0xABC)().startswith(f"{0xABC:012x}")


def test_the_moment_of_an_id_can_be_read() -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert made_at(IdSource(lambda: int(noon.timestamp() * 1000))()) == noon


def test_what_is_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="is no record id"):
        made_at("42")
