"""What a page or a verb may use."""

from __future__ import annotations

from dataclasses import dataclass

from studio.config import StudioConfig
from studio.services.assistant import AssistantService
from studio.services.cards import CardService
from studio.services.concepts import ConceptService
from studio.services.gallery import GalleryService
from studio.services.generation import GenerationService
from studio.services.jobs import JobRunner
from studio.services.loras import LoraService
from studio.services.posters import PosterService
from studio.services.recognition import RecognitionService
from studio.services.refining import RefineService
from studio.services.stickers import StickerService
from studio.services.style_loras import StyleLoraService
from studio.services.taste import TasteService
from studio.services.taste_drawing import TasteDrawing
from studio.services.taste_picks import TastePicks
from studio.services.timeline import TimelineService
from studio.services.titles import TitleService
from studio.services.transfers import TransferService
from studio.storage.database import Database
from studio.storage.files import FileStore
from studio.storage.presence import Presence


@dataclass(frozen=True, kw_only=True)
class Studio:
    """The services, built once by `studio.bootstrap.build_studio`."""

    config: StudioConfig
    concepts: ConceptService
    cards: CardService
    transfers: TransferService
    generation: GenerationService
    gallery: GalleryService
    loras: LoraService
    style_loras: StyleLoraService
    refining: RefineService
    recognition: RecognitionService
    assistant: AssistantService
    timeline: TimelineService
    stickers: StickerService
    posters: PosterService
    titles: TitleService
    tastes: TasteService
    taste_picks: TastePicks
    taste_drawing: TasteDrawing
    jobs: JobRunner
    files: FileStore
    database: Database
    presence: Presence

    def close(self, timeout: float | None = None) -> bool:
        """Interrupt what is running, at most `timeout` seconds, and close the database; say whether all has ended.

        What has not is left to the end of the process: until then it may still keep what it made.
        """
        if not self.jobs.close(timeout):
            return False
        self.database.close()
        self.presence.close()
        return True
