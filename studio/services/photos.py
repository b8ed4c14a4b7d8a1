"""Uploaded photos of a thing: checked, read by the engine, and made ready for keeping."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from PIL import Image

from studio.domain.concepts import Photo
from studio.domain.identifiers import IdSource
from studio.engines.base import PhotoReading, Report, SubjectEngine
from studio.errors import InvalidPhoto
from studio.storage.ingest import check_photo, decode_photo, encode_cutout, encode_photo, fit_photo
from studio.storage.vault import Storing

R = TypeVar("R")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadPhoto:
    """An upright RGB photo at the size it is kept, with what was understood of it."""

    photo: Image.Image
    reading: PhotoReading


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncodedPhoto:
    """A photo (JPEG) and its cut-out (PNG), ready for keeping."""

    photo: bytes
    cutout: bytes
    width: int
    height: int
    box: tuple[int, int, int, int] | None

    def keep(self, act: Storing, ids: IdSource) -> Photo:
        """Store both files and return the record of them."""
        return Photo(
            id=ids(),
            file=act.put(self.photo, ".jpg"),
            cutout=act.put(self.cutout, ".png"),
            width=self.width,
            height=self.height,
            box=self.box,
        )


class PhotoReader:
    """Reads photos on the device; what is wrong with one says which of several it is."""

    def __init__(self, engine: SubjectEngine) -> None:
        self._engine = engine

    @staticmethod
    def check(photos: Sequence[bytes]) -> None:
        """Refuse what can be seen to be no usable photo without decoding it; raises `InvalidPhoto`."""
        _for_each(photos, check_photo)

    def read_all(self, photos: Sequence[bytes], report: Report) -> builtins.list[ReadPhoto]:
        """Decode all, then find the subject in each.

        Raises:
            InvalidPhoto: one is damaged, or nothing in it stands out.
        """
        decoded = _for_each(photos, lambda data: fit_photo(decode_photo(data)))
        read = []
        for number, photo in enumerate(decoded):
            report(number / len(decoded), f"Looking at photo {number + 1} of {len(decoded)}")
            with which_photo(number + 1, len(decoded)):
                read.append(ReadPhoto(photo=photo, reading=self._engine.read(photo)))
        return read

    def groups(self, read: Sequence[ReadPhoto]) -> builtins.list[builtins.list[int]]:
        """Return the places of photos that look like one thing, the largest group first."""
        return self._engine.groups([one.reading.look for one in read])


def encoded(read: Sequence[ReadPhoto]) -> builtins.list[EncodedPhoto]:
    """Return the photos ready for keeping; done before the write lock is taken."""
    return [
        EncodedPhoto(
            photo=encode_photo(one.photo),
            cutout=encode_cutout(one.reading.cutout),
            width=one.photo.width,
            height=one.photo.height,
            box=one.reading.box,
        )
        for one in read
    ]


def _for_each(photos: Sequence[bytes], check: Callable[[bytes], R]) -> list[R]:
    results = []
    for number, data in enumerate(photos, 1):
        with which_photo(number, len(photos)):
            results.append(check(data))
    return results


@contextmanager
def which_photo(number: int, count: int) -> Iterator[None]:
    """Say in the sentence of a bad photo which of several it is."""
    try:
        yield
    except InvalidPhoto as error:
        raise InvalidPhoto(f"Photo {number} of {count}: {error}" if count > 1 else str(error)) from error
