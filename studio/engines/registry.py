"""Which engines there are: a name and the dotted place of its class, imported when it is first used."""

from __future__ import annotations

import importlib
import inspect
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from PIL import Image

from studio.domain.scores import Scores
from studio.domain.taste import BesideTaste, TasteAttribute, TasteEvent, TasteInterest, TasteVariant, TasteVerdict
from studio.engines.base import (
    AssistantEngine,
    AssistantReply,
    AssistantTask,
    HelpedTaste,
    ImageCapabilities,
    ImageEngine,
    ImageJob,
    LearnedTaste,
    LookVectors,
    LoraFileEngine,
    MeterEngine,
    PhotoPlaces,
    PhotoReading,
    RecognitionEngine,
    Refined,
    RefiningEngine,
    Remembered,
    Report,
    Sighting,
    StyleReading,
    SubjectEngine,
    TasteEngine,
    TitleTask,
)
from studio.errors import InvalidInput

E = TypeVar("E")
_PLACE = re.compile(r"studio\.engines\.\w+:[A-Z]\w*")


class Registry(Generic[E]):
    """Engines of one sort by name.

    Args:
        sort: what they are, for messages.
        places: ``name → "module:Class"``; checked when the registry is made.
    """

    def __init__(self, sort: str, places: Mapping[str, str]) -> None:
        for name, place in places.items():
            if not _PLACE.fullmatch(place):
                raise ValueError(f"The {sort} engine {name!r} is at {place!r}; write it as 'studio.engines.x:Class'.")
        self._sort = sort
        self._places = dict(places)

    def names(self) -> list[str]:
        """Return the known names."""
        return sorted(self._places)

    def check(self, name: str) -> None:
        """Raise `InvalidInput` unless there is an engine called `name`; imports nothing."""
        if name not in self._places:
            known = ", ".join(self.names())
            raise InvalidInput(f"There is no {self._sort} engine {name!r}. The configuration may name: {known}.")

    def create(self, name: str, options: Mapping[str, Any], offered: Mapping[str, Any] | None = None) -> E:
        """Import the engine called `name` and construct it with `options` as keywords.

        What is `offered` is given too, where the engine has a parameter of that name and the options do not set it.

        Raises:
            InvalidInput: no such engine, or it does not take these options.
        """
        self.check(name)
        module, _, attribute = self._places[name].partition(":")
        engine = getattr(importlib.import_module(module), attribute)
        taken = inspect.signature(engine).parameters
        options = {key: value for key, value in (offered or {}).items() if key in taken} | dict(options)
        try:
            inspect.signature(engine).bind(**options)
        except TypeError as error:
            raise InvalidInput(f"The {self._sort} engine {name!r} does not take these options: {error}.") from error
        return cast("E", engine(**options))


IMAGE_ENGINES: Registry[ImageEngine] = Registry(
    "image",
    {
        "fake": "studio.engines.fake:FakeImageEngine",
        "diffusers": "studio.engines.image:DiffusersImageEngine",
        "hub": "studio.engines.hub:HubImageEngine",
    },
)
SUBJECT_ENGINES: Registry[SubjectEngine] = Registry(
    "subject",
    {"fake": "studio.engines.fake:FakeSubjectEngine", "hyperlora": "studio.engines.subjects:HyperLoraSubjectEngine"},
)
REFINING_ENGINES: Registry[RefiningEngine] = Registry(
    "refining",
    {"fake": "studio.engines.fake:FakeRefiningEngine", "diffusion": "studio.engines.refining:DiffusionRefiningEngine"},
)
RECOGNITION_ENGINES: Registry[RecognitionEngine] = Registry(
    "recognition",
    {"fake": "studio.engines.fake:FakeRecognitionEngine", "looks": "studio.engines.recognition:LooksRecognitionEngine"},
)
TASTE_ENGINES: Registry[TasteEngine] = Registry(
    "taste", {"fake": "studio.engines.fake_taste:FakeTasteEngine", "pigeon": "studio.engines.taste:PigeonTasteEngine"}
)
METER_ENGINES: Registry[MeterEngine] = Registry(
    "meter", {"fake": "studio.engines.fake:FakeMeterEngine", "features": "studio.engines.meters:FeatureMeterEngine"}
)

ASSISTANT_ENGINES: Registry[AssistantEngine] = Registry(
    "assistant",
    {
        "fake": "studio.engines.fake:FakeAssistantEngine",
        "embedded": "studio.engines.assistant:EmbeddedAssistantEngine",
        "vlm": "studio.engines.assistant:VlmAssistantEngine",
        "small-vlm": "studio.engines.assistant:SmallVlmAssistantEngine",
        "server": "studio.engines.assistant:ServerAssistantEngine",
    },
)
LORA_FILE_ENGINES: Registry[LoraFileEngine] = Registry(
    "LoRA file", {"safetensors": "studio.engines.lora_files:SafetensorsLoraFiles"}
)


class _Once(Generic[E]):
    def __init__(self, make: Callable[[], E]) -> None:
        self._make = make
        self._made: list[E] = []
        self._lock = threading.Lock()

    def __call__(self) -> E:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class LazyImageEngine:
    """An image engine that is imported and constructed on first use.

    Constructing an engine reads small files only; its weights are loaded by its first picture, on the device thread.
    """

    def __init__(self, make: Callable[[], ImageEngine]) -> None:
        self.engine = _Once(make)

    def capabilities(self) -> ImageCapabilities:
        """See `ImageEngine.capabilities`."""
        return self.engine().capabilities()

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """See `ImageEngine.generate`."""
        return self.engine().generate(job, report)

    def read_style(self, data: bytes) -> StyleReading:
        """See `ImageEngine.read_style`."""
        return self.engine().read_style(data)


class LazySubjectEngine:
    """A subject engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], SubjectEngine]) -> None:
        self.engine = _Once(make)

    def read(self, photo: Image.Image) -> PhotoReading:
        """See `SubjectEngine.read`."""
        return self.engine().read(photo)

    def groups(self, looks: Sequence[bytes]) -> list[list[int]]:
        """See `SubjectEngine.groups`."""
        return self.engine().groups(looks)

    def personalize(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """See `SubjectEngine.personalize`."""
        return self.engine().personalize(cutouts, kind, report)

    def describe(self, cutouts: Sequence[Image.Image], kind: str) -> str:
        """See `SubjectEngine.describe`."""
        return self.engine().describe(cutouts, kind)

    def model(self) -> str:
        """See `SubjectEngine.model`."""
        return self.engine().model()


class LazyRefiningEngine:
    """A refining engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], RefiningEngine]) -> None:
        self.engine = _Once(make)

    def refine(self, adapter: bytes, cutouts: Sequence[Image.Image], kind: str, report: Report) -> Refined:
        """See `RefiningEngine.refine`."""
        return self.engine().refine(adapter, cutouts, kind, report)


class LazyRecognitionEngine:
    """A recognition engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], RecognitionEngine]) -> None:
        self.engine = _Once(make)

    def model(self) -> str:
        """See `RecognitionEngine.model`."""
        return self.engine().model()

    def remember(self, photo: Image.Image) -> bytes:
        """See `RecognitionEngine.remember`."""
        return self.engine().remember(photo)

    def places(self, photo: Image.Image, kinds: Sequence[str] = ()) -> PhotoPlaces:
        """See `RecognitionEngine.places`."""
        return self.engine().places(photo, kinds)

    def vectors(self) -> LookVectors | None:
        """See `RecognitionEngine.vectors`."""
        return self.engine().vectors()

    def decide(
        self, places: PhotoPlaces, known: Sequence[Remembered], *, among: int | None = None
    ) -> tuple[Sighting, ...]:
        """See `RecognitionEngine.decide`."""
        return self.engine().decide(places, known, among=among)


class LazyAssistantEngine:
    """An assistant engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], AssistantEngine]) -> None:
        self.engine = _Once(make)

    def answer(self, task: AssistantTask, say: Callable[[str], None]) -> AssistantReply:
        """See `AssistantEngine.answer`."""
        return self.engine().answer(task, say)

    def titles(self, task: TitleTask, tell: Callable[[Sequence[str]], None]) -> tuple[str, ...]:
        """See `AssistantEngine.titles`."""
        return self.engine().titles(task, tell)


class LazyTasteEngine:
    """A taste engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], TasteEngine]) -> None:
        self.engine = _Once(make)

    def model(self) -> str:
        """See `TasteEngine.model`."""
        return self.engine().model()

    def attributes(self) -> tuple[TasteAttribute, ...]:
        """See `TasteEngine.attributes`."""
        return self.engine().attributes()

    def look(self, picture: Image.Image) -> bytes:
        """See `TasteEngine.look`."""
        return self.engine().look(picture)

    def learn(self, events: Sequence[TasteEvent], now: datetime) -> LearnedTaste:
        """See `TasteEngine.learn`."""
        return self.engine().learn(events, now)

    def reference(self, picture: Image.Image) -> bytes:
        """See `TasteEngine.reference`."""
        return self.engine().reference(picture)

    def score(
        self, learned: bytes, looks: Sequence[bytes], edits: Mapping[str, float], beside: BesideTaste | None = None
    ) -> tuple[TasteVerdict, ...]:
        """See `TasteEngine.score`."""
        return self.engine().score(learned, looks, edits, beside)

    def lend(self, learned: bytes, edits: Mapping[str, float]) -> Mapping[str, float]:
        """See `TasteEngine.lend`."""
        return self.engine().lend(learned, edits)

    def borrow(self, learned: bytes, crowd: Sequence[Sequence[Mapping[str, float]]]) -> HelpedTaste:
        """See `TasteEngine.borrow`."""
        return self.engine().borrow(learned, crowd)

    def samples(self) -> tuple[Image.Image, ...]:
        """See `TasteEngine.samples`."""
        return self.engine().samples()

    def next_pair(self, learned: bytes | None, shown: Sequence[int], seed: int) -> tuple[int, int]:
        """See `TasteEngine.next_pair`."""
        return self.engine().next_pair(learned, shown, seed)

    def variants(
        self,
        learned: bytes,
        interests: Sequence[TasteInterest],
        edits: Mapping[str, float],
        count: int,
        beside: BesideTaste | None = None,
    ) -> tuple[TasteVariant, ...]:
        """See `TasteEngine.variants`."""
        return self.engine().variants(learned, interests, edits, count, beside)


class LazyMeterEngine:
    """A meter engine that is imported and constructed on first use; see `LazyImageEngine`."""

    def __init__(self, make: Callable[[], MeterEngine]) -> None:
        self.engine = _Once(make)

    def score(self, pictures: Sequence[Image.Image], job: ImageJob, report: Report) -> list[Scores]:
        """See `MeterEngine.score`."""
        return self.engine().score(pictures, job, report)
