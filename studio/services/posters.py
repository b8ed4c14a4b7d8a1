"""Posters: a picture of the gallery and words, as a page to print."""

from __future__ import annotations

import functools
import io

from PIL import Image

from studio.domain.generation import GenerateRequest, Picture
from studio.domain.posters import Poster, PosterSize, PosterWords
from studio.posters.making import make
from studio.posters.rendering import png, rendered, webp
from studio.services.concepts import ConceptService
from studio.services.gallery import GalleryService
from studio.services.generation import GenerationService
from studio.services.jobs import Job
from studio.storage.files import FileStore

_POSTERS_KEPT = 8  # about 1 MB each
_INCH = 25.4
_DPI_SMALL, _DPI_LARGE, _LARGE = 300, 150, 430.0  # a sheet higher than this many millimetres is seen from further away


class PosterService:
    """Lays pictures out with words; keeps nothing but the pictures."""

    def __init__(
        self, *, files: FileStore, concepts: ConceptService, generation: GenerationService, gallery: GalleryService
    ) -> None:
        self._files = files
        self._concepts = concepts
        self._generation = generation
        self._gallery = gallery
        self._made = functools.lru_cache(maxsize=_POSTERS_KEPT)(self._make)

    def draw(self, concept: str, seed: int | None = None, owner: str = "local") -> Job[tuple[Picture, ...]]:
        """Draw a known thing on its own for a poster; raises `UnknownConcept` where there is none of that name."""
        found = self._concepts.get(concept, owner)
        return self._generation.start(GenerateRequest(prompt=f"@{found.handle}", seed=seed, owner=owner))

    def make(
        self, picture_id: str, words: PosterWords, *, template: str, size: PosterSize, owner: str = "local"
    ) -> Poster:
        """Return the poster of a picture.

        Raises:
            NotFound: the owner has no such picture.
            InvalidInput: as `studio.posters.making.make`.
        """
        return self._made(self._gallery.get(picture_id, owner).file, words, template, size)

    @staticmethod
    def file(poster: Poster, kind: str) -> bytes:
        """Return the poster as ``pdf`` or ``svg`` with its bleed, or as ``png``, trimmed and as large as it is seen."""
        if kind == "png":
            dpi = printed_dpi(poster.size)
            return png(rendered(poster.pdf, dpi), dpi)
        return poster.svg() if kind == "svg" else poster.pdf

    @staticmethod
    def preview(poster: Poster, width: int) -> bytes:
        """Return the trimmed poster for looking at, WebP, `width` pixels wide."""
        return webp(rendered(poster.pdf, width / poster.size.width * _INCH))

    def _make(self, key: str, words: PosterWords, template: str, size: PosterSize) -> Poster:
        with Image.open(io.BytesIO(self._files.get(key))) as picture:
            return make(picture, words, template=template, size=size)


def printed_dpi(size: PosterSize) -> float:
    """Return the resolution at which a size is rendered: its own for a screen, 300 up to A3, 150 above."""
    if size.pixels:
        return round(size.pixels[0] / size.width * _INCH, 6)
    return _DPI_SMALL if size.height <= _LARGE else _DPI_LARGE
