from __future__ import annotations

from studio.domain.jobs import Status


def test_three_states_are_final() -> None:
    assert {status for status in Status if status.ended} == {Status.DONE, Status.FAILED, Status.CANCELLED}
