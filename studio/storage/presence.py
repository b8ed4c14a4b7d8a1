"""Which processes are at work: each holds a lock on a file, which the system lets go however the process ends."""

from __future__ import annotations

import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from studio.errors import StudioError

_SUFFIX = ".lock"


class Presence:
    """This process among those that work on the same data.

    Args:
        folder: where the locks are; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._id = uuid.uuid4().hex
        self._lock = FileLock(self._path(self._id), thread_local=False)

    def announce(self) -> str:
        """Show this process to the others from now on, and return what it is called.

        Raises:
            StudioError: its lock cannot be written.
        """
        try:
            if not self._lock.is_locked:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock.acquire()
                self._clear_away()
        except OSError as error:
            raise StudioError(
                f"The folder {self._folder} cannot be written ({error.strerror}). Free some space, or choose "
                "another data folder with --data-dir."
            ) from error
        return self._id

    def at_work(self, process: str) -> bool:
        """Say whether the process of that name is still there."""
        if process == self._id:
            return True
        path = self._path(process)
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return True
        path.unlink(missing_ok=True)  # nobody will lock it again: a name is used by one process only
        return False

    def close(self) -> None:
        """Take this process out again."""
        self._lock.release()
        self._path(self._id).unlink(missing_ok=True)

    def _clear_away(self) -> None:
        for path in self._folder.glob("[0-9a-f]" * 32 + _SUFFIX):
            self.at_work(path.stem)

    def _path(self, process: str) -> Path:
        return self._folder / f"{uuid.UUID(process).hex}{_SUFFIX}"
