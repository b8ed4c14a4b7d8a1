"""Record ids that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

_RANDOM_BITS = 80


class IdSource:
    """Makes ids of 32 hexadecimal digits: 48 bits of milliseconds, then 80 random bits.

    Ids of one source strictly increase, also within a millisecond and when the clock is set back,
    so that "older than this id" is a page boundary without gaps or repeats.
    """

    def __init__(self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._milliseconds = milliseconds
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Return the next id."""
        fresh = self._milliseconds() << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            # A small random step keeps the next id of the same millisecond unguessable enough and ordered.
            self._last = max(fresh, self._last + 1 + secrets.randbits(32))
            return f"{self._last:032x}"


def made_at(record_id: str) -> datetime:
    """Return when an id of `IdSource` was made, in UTC, to the millisecond.

    Raises:
        ValueError: it is no such id.
    """
    if len(record_id) != 32:
        raise ValueError(f"{record_id[:40]!r} is no record id; 32 hexadecimal digits are needed.")
    return datetime.fromtimestamp((int(record_id, 16) >> _RANDOM_BITS) / 1000, UTC)
