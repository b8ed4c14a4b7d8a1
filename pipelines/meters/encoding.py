"""CLIP's vision tower that looks at a picture once, though several measurements need it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.features.sessions import Provider

_KEPT = 24  # pictures, 0.6 MB each: as many as are drawn at once, and some


class OnceClipVisionEncoder(ClipVisionEncoder):
    """Keeps what the graph gave for the last pictures; the same pixels need not be the same object."""

    def __init__(self, path: Path | str, *, threads: int = 1, provider: Provider = "cpu") -> None:
        super().__init__(path, threads=threads, provider=provider)
        self._kept: OrderedDict[bytes, list[FloatArray]] = OrderedDict()

    def _run(self, images: Sequence[Image.Image]) -> Iterator[tuple[Sequence[Image.Image], list[FloatArray]]]:
        for image in images:
            yield [image], self._outputs(image)

    def _outputs(self, image: Image.Image) -> list[FloatArray]:
        key = content_of(image)
        if key not in self._kept:
            self._kept[key] = next(super()._run([image]))[1]
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def content_of(image: Image.Image) -> bytes:
    """Return a digest of a picture's mode, size and pixels."""
    digest = hashlib.blake2b(f"{image.mode} {image.size}".encode(), digest_size=16)
    digest.update(image.tobytes())
    return digest.digest()
