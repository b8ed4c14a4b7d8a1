"""Settings to a studio: the only place that chooses parts and puts them together."""

from __future__ import annotations

from pathlib import Path

from studio.config import EngineConfig, StudioConfig
from studio.domain.identifiers import IdSource
from studio.engines.registry import (
    ASSISTANT_ENGINES,
    IMAGE_ENGINES,
    LORA_FILE_ENGINES,
    METER_ENGINES,
    RECOGNITION_ENGINES,
    REFINING_ENGINES,
    SUBJECT_ENGINES,
    TASTE_ENGINES,
    LazyAssistantEngine,
    LazyImageEngine,
    LazyMeterEngine,
    LazyRecognitionEngine,
    LazyRefiningEngine,
    LazySubjectEngine,
    LazyTasteEngine,
)
from studio.errors import InvalidInput
from studio.packs.scenes import load_scenes
from studio.services.artist import Artist
from studio.services.assistant import AssistantService
from studio.services.cards import CardService
from studio.services.chat_memory import ChatMemory
from studio.services.chat_pictures import ChatPictures
from studio.services.concepts import ConceptService
from studio.services.drawings import DrawingLog
from studio.services.forgetting import Forgetting
from studio.services.gallery import GalleryService
from studio.services.generation import GenerationService
from studio.services.jobs import JobRunner
from studio.services.loras import LoraService
from studio.services.personalization import Personalizer
from studio.services.photos import PhotoReader
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
from studio.storage.vault import Vault
from studio.studio import Studio


def build_studio(config: StudioConfig) -> Studio:
    """Build the services; opens the database, imports no engine and loads no weights.

    Raises:
        InvalidInput: the configuration names an engine that does not exist, or a folder that cannot be used.
    """
    image = image_engine(config.engines.image, config.models)
    subject = subject_engine(config.engines.subject, config.models)
    recognition = recognition_engine(config.engines.recognition, config.models)
    assistant = assistant_engine(config.engines.assistant, config.models)
    taste = taste_engine(config.engines.taste, config.models)
    refining = refining_engine(config.engines.refining, config.models)
    artist = Artist(image, meter_engine(config.engines.meter, config.models))
    _make_folder(config.data_dir)
    files = FileStore(config.files)
    database = Database(config.records)
    vault = Vault(database, files)
    ids = IdSource()
    jobs = JobRunner()
    presence = Presence(config.data_dir / "processes")
    personalizer = Personalizer(subject, vault)
    log = DrawingLog(vault, presence, ids)
    reader = PhotoReader(subject)
    concepts = ConceptService(
        vault=vault,
        jobs=jobs,
        reader=reader,
        personalizer=personalizer,
        forgetting=Forgetting(vault, [ChatMemory()]),
        ids=ids,
    )
    styles = StyleLoraService(vault=vault, jobs=jobs, engine=image, ids=ids)
    generation = GenerationService(
        vault=vault, jobs=jobs, artist=artist, personalizer=personalizer, styles=styles, log=log, ids=ids
    )
    gallery = GalleryService(vault)
    recogniser = RecognitionService(vault=vault, jobs=jobs, engine=recognition, ids=ids)
    tastes = TasteService(vault=vault, jobs=jobs, engine=taste, ids=ids)
    return Studio(
        config=config,
        concepts=concepts,
        cards=CardService(vault=vault, jobs=jobs, reader=reader, personalizer=personalizer, ids=ids),
        transfers=TransferService(vault=vault, jobs=jobs, personalizer=personalizer, ids=ids),
        generation=generation,
        gallery=gallery,
        loras=LoraService(
            vault=vault, jobs=jobs, personalizer=personalizer, files=LORA_FILE_ENGINES.create("safetensors", {})
        ),
        style_loras=styles,
        recognition=recogniser,
        assistant=AssistantService(
            vault=vault,
            jobs=jobs,
            engine=assistant,
            pictures=ChatPictures(vault=vault, recognition=recogniser, subject=subject),
            concepts=concepts,
            ids=ids,
        ),
        timeline=TimelineService(database),
        refining=RefineService(vault=vault, jobs=jobs, personalizer=personalizer, engine=refining, image=image),
        stickers=StickerService(
            scenes=load_scenes(), files=files, jobs=jobs, concepts=concepts, generation=generation, gallery=gallery
        ),
        tastes=tastes,
        taste_picks=TastePicks(vault=vault, engine=taste, tastes=tastes, ids=ids),
        taste_drawing=TasteDrawing(
            jobs=jobs, engine=taste, tastes=tastes, generation=generation, gallery=gallery, files=files, log=log
        ),
        posters=PosterService(files=files, concepts=concepts, generation=generation, gallery=gallery),
        titles=TitleService(jobs=jobs, engine=assistant, concepts=concepts, gallery=gallery, tastes=tastes),
        jobs=jobs,
        files=files,
        database=database,
        presence=presence,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The data folder {folder} cannot be made: {error.strerror}. Choose another with KEEPSAKE_DATA_DIR."
        ) from error


def image_engine(config: EngineConfig, models: Path | None = None) -> LazyImageEngine:
    """Choose the image engine; it is told which catalogue of models is used."""
    IMAGE_ENGINES.check(config.name)
    return LazyImageEngine(lambda: IMAGE_ENGINES.create(config.name, config.options, {"models": models}))


def subject_engine(config: EngineConfig, models: Path | None = None) -> LazySubjectEngine:
    """Choose the subject engine; it is told which catalogue of models is used."""
    SUBJECT_ENGINES.check(config.name)
    return LazySubjectEngine(lambda: SUBJECT_ENGINES.create(config.name, config.options, {"models": models}))


def recognition_engine(config: EngineConfig, models: Path | None = None) -> LazyRecognitionEngine:
    """Choose the recognition engine; it is told which catalogue of models is used."""
    RECOGNITION_ENGINES.check(config.name)
    return LazyRecognitionEngine(lambda: RECOGNITION_ENGINES.create(config.name, config.options, {"models": models}))


def assistant_engine(config: EngineConfig, models: Path | None = None) -> LazyAssistantEngine:
    """Choose the assistant engine; it is told which catalogue of models is used."""
    ASSISTANT_ENGINES.check(config.name)
    return LazyAssistantEngine(lambda: ASSISTANT_ENGINES.create(config.name, config.options, {"models": models}))


def taste_engine(config: EngineConfig, models: Path | None = None) -> LazyTasteEngine:
    """Choose the taste engine; it is told which catalogue of models is used."""
    TASTE_ENGINES.check(config.name)
    return LazyTasteEngine(lambda: TASTE_ENGINES.create(config.name, config.options, {"models": models}))


def refining_engine(config: EngineConfig, models: Path | None = None) -> LazyRefiningEngine:
    """Choose the engine that refines; it is told which catalogue of models is used."""
    REFINING_ENGINES.check(config.name)
    return LazyRefiningEngine(lambda: REFINING_ENGINES.create(config.name, config.options, {"models": models}))


def meter_engine(config: EngineConfig, models: Path | None = None) -> LazyMeterEngine:
    """Choose the meter engine; it is told which catalogue of models is used."""
    METER_ENGINES.check(config.name)
    return LazyMeterEngine(lambda: METER_ENGINES.create(config.name, config.options, {"models": models}))
