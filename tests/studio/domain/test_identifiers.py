from __future__ import annotations

from studio.domain.identifiers import IdSource


def test_ids_increase_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    moments = iter([1000, 1000, 1000, 400, 1001])
    source = IdSource(lambda: next(moments))
    ids = [source() for _ in range(5)]
    assert ids == sorted(set(ids))
    assert {len(made) for made in ids} == {32}


def test_an_id_begins_with_its_moment() -> None:
    assert IdSource(lambda: 0xABC)().startswith(f"{0xABC:012x}")
