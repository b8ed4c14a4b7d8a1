"""What was dropped on a page, as bytes."""

from __future__ import annotations

from pathlib import Path

from studio.domain.concepts import PHOTOS_MAX
from studio.errors import InvalidInput, InvalidPhoto
from studio.storage.ingest import BYTES_MAX


def contents(paths: list[str]) -> list[bytes]:
    """Return the uploaded files; refuses more than a concept takes before it reads any into memory."""
    if len(paths) > PHOTOS_MAX:
        raise InvalidInput(f"{len(paths)} photos are too many; a concept takes at most {PHOTOS_MAX}.")
    try:
        for path in paths:
            if (size := Path(path).stat().st_size) > BYTES_MAX:
                raise InvalidPhoto(f"A file has {size / 1e6:.0f} MB; at most {BYTES_MAX / 1e6:.0f} MB are possible.")
        return [Path(path).read_bytes() for path in paths]
    except FileNotFoundError as gone:
        raise InvalidInput("The photos are not here any more: they waited too long. Drop them once more.") from gone
