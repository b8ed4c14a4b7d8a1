"""The state of work that runs on the device, as anyone may look at it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    """Life of a job: queued → running → done, failed, cancelled or, when the studio was closed, interrupted."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self not in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is.

    Attributes:
        share: 0–1 of the whole work.
        message: what is being done now, for a person.
        preview: the picture as it is now, encoded as WebP; None where there is none.
        seconds_left: estimate, None while unknown.
        position: jobs before this one while it is queued.
    """

    share: float = 0.0
    message: str = ""
    preview: bytes | None = None
    seconds_left: float | None = None
    position: int = 0
