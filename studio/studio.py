"""What a page or a verb may use."""

from __future__ import annotations

from dataclasses import dataclass

from studio.config import StudioConfig
from studio.services.concepts import ConceptService
from studio.services.gallery import GalleryService
from studio.services.generation import GenerationService
from studio.services.jobs import JobRunner
from studio.services.posters import PosterService
from studio.services.stickers import StickerService
from studio.storage.database import Database
from studio.storage.files import FileStore


@dataclass(frozen=True, kw_only=True)
class Studio:
    """The services, built once by `studio.bootstrap.build_studio`."""

    config: StudioConfig
    concepts: ConceptService
    generation: GenerationService
    gallery: GalleryService
    stickers: StickerService
    posters: PosterService
    jobs: JobRunner
    files: FileStore
    database: Database

    def close(self) -> None:
        """Stop the worker and close the database."""
        self.jobs.close()
        self.database.close()
