from __future__ import annotations

from studio.domain.jobs import Status


def test_three_states_are_final() -> None:
    assert {status for status in Status if status.ended} == set(Status) - {Status.QUEUED, Status.RUNNING}
