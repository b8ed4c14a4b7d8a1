"""File contents by their hash, in any place fsspec can reach."""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from studio.errors import NotFound, StorageFull

logger = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}\.[a-z0-9]{1,12}")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_THUMBNAILS = "thumbnails"
_UNFINISHED = "unfinished"


class FileStore:
    """Keeps contents under keys such as ``ab/cdef….png``: the SHA-256 of the content and its suffix.

    A content is written to a place of its own first and then moved, so that a key never names half a file.

    Args:
        url: an fsspec URL or a local folder; made when it is missing.
    """

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._fs.makedirs(self._root, exist_ok=True)

    def put(self, data: bytes, suffix: str) -> str:
        """Store `data` and return its key; the same content is stored once.

        Args:
            data: the content.
            suffix: of the key, with its dot: ``".png"``.

        Raises:
            StorageFull: there is no room; nothing of the content remains.
        """
        key = key_of(data, suffix)
        if not self.exists(key):
            self._write(self._path(key), data)
        return key

    def get(self, key: str) -> bytes:
        """Return the content of `key`; raises `NotFound` when there is none."""
        try:
            data: bytes = self._fs.cat_file(self._path(key))
        except FileNotFoundError as missing:
            raise NotFound(f"The file {key} is not in the store any more.") from missing
        return data

    def exists(self, key: str) -> bool:
        """Say whether `key` has a content."""
        return bool(self._fs.exists(self._path(key)))

    def delete(self, key: str) -> None:
        """Remove the content of `key` and its thumbnails; no error when there is none."""
        for path in self._paths(key):
            self._fs.rm_file(path)

    def size(self, key: str) -> int:
        """Return the bytes that the content of `key` and its thumbnails take; 0 when nothing of them is there."""
        return sum(int(self._fs.size(path) or 0) for path in self._paths(key))

    def thumbnail(self, key: str, edge: int = 256) -> bytes:
        """Return the picture of `key` as WebP with its longer side at most `edge` pixels; made once, then kept."""
        path = _thumbnail_path(f"{self._root}/{_THUMBNAILS}/{edge}", key)
        if self._fs.exists(path):
            kept: bytes = self._fs.cat_file(path)
            return kept
        with Image.open(io.BytesIO(self.get(key))) as picture:
            small = picture.convert("RGBA")
        small.thumbnail((edge, edge))
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=85)
        try:
            self._write(path, buffer.getvalue())
        except StorageFull:
            logger.warning("The disk is full; the thumbnail of %s is shown but not kept", key)
        if not self.exists(key):  # deleted meanwhile: nothing of it may stay
            self.delete(key)
        return buffer.getvalue()

    def keys(self) -> Iterator[str]:
        """Yield every key in the store."""
        for path in self._fs.find(self._root):
            key = "/".join(str(path).split("/")[-2:])
            if str(path) == self._path_of(key) and _KEY.fullmatch(key):
                yield key

    def _paths(self, key: str) -> list[str]:
        """Return where something of `key` is."""
        paths = [self._path(key)]
        if self._fs.isdir(folder := f"{self._root}/{_THUMBNAILS}"):
            paths += [_thumbnail_path(edge, key) for edge in self._fs.ls(folder, detail=False)]
        return [path for path in paths if self._fs.exists(path)]

    def _write(self, path: str, data: bytes) -> None:
        unfinished = f"{self._root}/{_UNFINISHED}/{uuid.uuid4().hex}"
        with _room_checked(len(data)):
            try:
                self._fs.makedirs(f"{self._root}/{_UNFINISHED}", exist_ok=True)
                with self._fs.open(unfinished, "wb") as file:
                    file.write(data)
                    file.flush()
                    if isinstance(self._fs, LocalFileSystem):
                        os.fsync(file.fileno())  # a power cut must not leave an empty file under a key
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._fs.mv(unfinished, path)
            finally:
                if self._fs.exists(unfinished):
                    self._fs.rm_file(unfinished)

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise NotFound(f"{key[:80]!r} is not the key of a file in the store.")
        return self._path_of(key)

    def _path_of(self, key: str) -> str:
        return f"{self._root}/{key}"


def key_of(data: bytes, suffix: str) -> str:
    """Return the key under which `data` is stored."""
    digest = hashlib.sha256(data).hexdigest()
    return f"{digest[:2]}/{digest[2:]}{suffix}"


def _thumbnail_path(folder: str, key: str) -> str:
    return f"{folder}/{key}.webp"


@contextmanager
def _room_checked(size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFull(
            f"The disk is full: {size / 1e6:.1f} MB could not be written. Free some space and try again."
        ) from error
