"""What the services need of a device, as small protocols; who provides them is said in `registry.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from PIL import Image

from studio.domain.loras import LoraLayout
from studio.domain.scores import Scores


class Report(Protocol):
    """Told how far the work is; raises `studio.errors.JobCancelled` when somebody pressed stop."""

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        """Take `share` in 0–1 and, where there is one, the picture as it is now (RGBA)."""


@dataclass(frozen=True, kw_only=True)
class ImageCapabilities:
    """What an image engine can do; the pages read it to decide what they show.

    Attributes:
        photo_poses: whether it can draw a thing as it stands in one of its photos.
    """

    model: str
    model_hash: str
    width: int
    height: int
    default_steps: int
    default_guidance: float
    scheduler: str
    transparent: bool
    personal: bool
    photo_poses: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A concept as the engine sees it.

    Attributes:
        mention: its handle in the prompt.
        kind: class word.
        adapter: personal LoRA as safetensors bytes.
        cutouts: the thing itself, cut out of its photos, RGBA.
    """

    mention: str
    kind: str
    adapter: bytes | None
    cutouts: tuple[Image.Image, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageJob:
    """A request with nothing left open: every number resolved, mentions bound to subjects.

    Attributes:
        poses: how subjects stand in the picture of each seed, ``photo`` or ``drawn``; empty: all drawn anew.
    """

    prompt: str
    subjects: tuple[Subject, ...]
    seeds: tuple[int, ...]
    steps: int
    guidance: float
    fidelity: float
    poses: tuple[str, ...] = ()


class ImageEngine(Protocol):
    """Text (and subjects) to pictures."""

    def capabilities(self) -> ImageCapabilities:
        """Say what this engine can do; cheap, loads no weights."""

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """Draw one RGBA picture per seed; calls `report` at every step."""


class MeterEngine(Protocol):
    """Pictures to scores."""

    def score(self, pictures: Sequence[Image.Image], job: ImageJob, report: Report) -> list[Scores]:
        """Measure the RGBA pictures of a job against its prompt and the cut-outs of its subjects.

        Raises:
            ModelMissing: a model could not be had.
        """


@dataclass(frozen=True, kw_only=True)
class PhotoReading:
    """What was understood of a photo.

    Attributes:
        cutout: the subject on transparent ground, RGBA, cropped to the subject.
        coverage: share of the photo that the subject covers, 0–1.
        kinds: likely class words with scores, best first.
        look: what the subject looks like, in a form that only the engine reads.
    """

    cutout: Image.Image
    coverage: float
    kinds: tuple[tuple[str, float], ...]
    look: bytes = b""


class SubjectEngine(Protocol):
    """Photos to an understanding, and to a personal LoRA."""

    def read(self, photo: Image.Image) -> PhotoReading:
        """Find the subject in an upright RGB photo."""

    def groups(self, looks: Sequence[bytes]) -> list[list[int]]:
        """Group photos by their looks so that those of one group may show one thing; the largest group first."""

    def personalize(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """Predict the personal LoRA of the subject from RGBA cut-outs; safetensors bytes, diffusers layout."""

    def model(self) -> str:
        """Name and version of the base model and hypernetwork the LoRA belongs to."""


class LoraFileEngine(Protocol):
    """Personal LoRAs to files that other programs read."""

    def export(self, adapter: bytes, layout: LoraLayout, *, trigger: str, made: date) -> bytes:
        """Write an adapter in a layout; `trigger` is the word that calls its subject up, `made` goes into the file.

        Raises:
            InvalidInput: the layout does not suit the adapter.
        """


@dataclass(frozen=True, kw_only=True)
class PhotoPlaces:
    """The places of a photo where there may be a thing.

    Attributes:
        boxes: left, top, right, bottom as shares of the photo's width and height, 0–1.
        looks: what each of them looks like, in a form that only the engine reads.
    """

    boxes: tuple[tuple[float, float, float, float], ...]
    looks: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """A concept as the recognition engine sees it: looks of it (at least one), and of what it is not."""

    looks: tuple[bytes, ...]
    not_looks: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A place of a photo (by its index), which of the concepts it shows (by index; None: none), and how likely, 0–1."""

    place: int
    known: int | None
    score: float


class RecognitionEngine(Protocol):
    """Photos to places, and places to the concepts they show."""

    def model(self) -> str:
        """Name and version of what makes the looks; looks of another model cannot be compared."""

    def remember(self, photo: Image.Image) -> bytes:
        """Return the looks of the subject of an upright RGB photo."""

    def places(self, photo: Image.Image) -> PhotoPlaces:
        """Find the places of an upright RGB photo."""

    def decide(self, places: PhotoPlaces, known: Sequence[Remembered]) -> tuple[Sighting, ...]:
        """Say what each place shows: named places first, the surest first, then unknown ones; quick."""
