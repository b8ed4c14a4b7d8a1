"""What the services need of a device, as small protocols; who provides them is said in `registry.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from PIL import Image

from studio.domain.loras import LoraLayout
from studio.domain.scores import Scores
from studio.domain.taste import (
    BesideTaste,
    TasteAttribute,
    TasteEvent,
    TasteHelp,
    TasteInterest,
    TasteSummary,
    TasteVariant,
    TasteVerdict,
)


class Report(Protocol):
    """Told how far the work is; raises `studio.errors.JobCancelled` when somebody pressed stop."""

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        """Take `share` in 0–1 and, where there is one, the picture as it is now (RGBA)."""


@dataclass(frozen=True, kw_only=True)
class ImageCapabilities:
    """What an image engine can do; the pages read it to decide what they show.

    Attributes:
        photo_poses: whether it can draw a thing as it stands in one of its photos.
        tastes: whether it can be told of a taste beside the words, see `ImageJob.taste`.
        palettes: whether it takes colours beside the words, see `ImageJob.palette`.
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
    tastes: bool = False
    palettes: bool = False


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
class Style:
    """A style LoRA as the engine sees it: its file as it came, and its strength, 0–1.5."""

    file: bytes
    strength: float


@dataclass(frozen=True, kw_only=True)
class StyleReading:
    """What was understood of a style LoRA's file.

    Attributes:
        trigger: words that call it up, as the file says; "" where it does not.
        title: what the file calls itself; "" where it does not.
        digest: twelve hex digits of its numbers.
        layers: how many layers of the model it adapts.
        left_out: what else is in the file, in words.
    """

    trigger: str
    title: str
    digest: str
    layers: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageJob:
    """A request with nothing left open: every number resolved, mentions bound to subjects.

    Attributes:
        style: what all of the picture is drawn with, things of the person included; None: the base as it is.
        poses: how subjects stand in the picture of each seed, ``photo`` or ``drawn``; empty: all drawn anew.
        taste: tokens of a taste, as a `TasteEngine` made them; b"": none.
        palette: colours ``#rrggbb`` of what the prompt names first where that is no subject, the main one first.
    """

    prompt: str
    subjects: tuple[Subject, ...]
    seeds: tuple[int, ...]
    steps: int
    guidance: float
    fidelity: float
    poses: tuple[str, ...] = ()
    style: Style | None = None
    taste: bytes = b""
    palette: tuple[str, ...] = ()


class ImageEngine(Protocol):
    """Text (and subjects) to pictures."""

    def capabilities(self) -> ImageCapabilities:
        """Say what this engine can do; cheap, loads no weights."""

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """Draw one RGBA picture per seed; calls `report` at every step.

        Raises:
            InvalidInput: a LoRA of the job is not for this engine's model.
        """

    def read_style(self, data: bytes) -> StyleReading:
        """Read a LoRA file of another program for this engine's model; loads no weights of it.

        Raises:
            InvalidInput: it is no such file, damaged, of a kind that is not supported, or for another model.
            ModelMissing: the model is not there.
        """


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
        box: left, top, right, bottom of the subject in pixels of the photo; the cut-out's alpha is its mask there.
        look: what the subject looks like, in a form that only the engine reads.
    """

    cutout: Image.Image
    coverage: float
    kinds: tuple[tuple[str, float], ...]
    box: tuple[int, int, int, int]
    look: bytes = b""


class SubjectEngine(Protocol):
    """Photos to an understanding, and to a personal LoRA."""

    def read(self, photo: Image.Image) -> PhotoReading:
        """Find the subject in an upright RGB photo."""

    def groups(self, looks: Sequence[bytes]) -> list[list[int]]:
        """Group photos by their looks so that those of one group may show one thing; the largest group first."""

    def personalize(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """Predict the personal LoRA of the subject from RGBA cut-outs; safetensors bytes, diffusers layout."""

    def describe(self, cutouts: Sequence[Image.Image], kind: str) -> str:
        """Say in a few words what sets the subject apart from others of its kind; only what can be seen."""

    def model(self) -> str:
        """Name and version of the base model and hypernetwork the LoRA belongs to."""


@dataclass(frozen=True, kw_only=True)
class Refined:
    """A refined LoRA, and what that has brought.

    Attributes:
        adapter: safetensors bytes, diffusers layout.
        pictures_before: what the LoRA draws as it was, RGBA.
        pictures_after: the same seeds with the refined one.
        likeness_before: mean cosine of features of pictures and cut-outs, −1…1; the features are not trained on.
        likeness_after: the same, refined.
        error: standard error of their difference.
        colours_before: mean distance of colours in CIELAB, from 0.
        colours_after: the same, refined.
        helps: whether the likeness has grown by more than chance, and the colours have not suffered.
    """

    adapter: bytes
    pictures_before: tuple[Image.Image, ...]
    pictures_after: tuple[Image.Image, ...]
    likeness_before: float
    likeness_after: float
    error: float
    colours_before: float
    colours_after: float
    helps: bool


class RefiningEngine(Protocol):
    """Personal LoRAs to better ones, by training on the subject itself."""

    def refine(self, adapter: bytes, cutouts: Sequence[Image.Image], kind: str, report: Report) -> Refined:
        """Train a LoRA further on RGBA cut-outs of its subject, and draw and measure before and after.

        Raises:
            InvalidInput: the LoRA is not of the model that is trained with.
            ModelMissing: a model could not be had.
        """


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
class LookVectors:
    """How looks can be compared without the engine, to leave out concepts that need no comparing by it.

    Attributes:
        width: a look is one or more rows of as many numbers in half precision, of a place it is one.
        least: a concept is never named at a place where no row of it has an inner product of this much with the place.
    """

    width: int
    least: float


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A place of a photo (by its index), which of the concepts it shows (by index; None: none), and how likely, 0–1."""

    place: int
    known: int | None
    score: float


@dataclass(frozen=True, kw_only=True)
class AssistantCard:
    """A thing of the person as the assistant engine sees it.

    Attributes:
        name: what it is called.
        also: what else it may be called by in a question.
        kind: class word.
        facts: an id and the words of each.
        meant: whether the question is about it.
    """

    name: str
    also: tuple[str, ...] = ()
    kind: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    meant: bool = False


@dataclass(frozen=True, kw_only=True)
class AssistantSpot:
    """A place in a picture: its box as shares, the index of its card or None, how sure, what it may be otherwise."""

    box: tuple[float, float, float, float]
    card: int | None
    sureness: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class AssistantTask:
    """A question with everything that was retrieved for it.

    Attributes:
        question: as it was asked; may be empty where there is a picture.
        cards: all of the person's things.
        spots: of the picture that is talked about, named ones first.
        picture: it, upright RGB; None where there is none.
        turns: who (``user``, ``assistant``) said what before, the oldest first.
    """

    question: str
    cards: tuple[AssistantCard, ...] = ()
    spots: tuple[AssistantSpot, ...] = ()
    picture: Image.Image | None = None
    turns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class AssistantReply:
    """An answer.

    Attributes:
        text: the words.
        origin: ``quoted`` from cards and recognition, ``worded`` or ``invented`` by a model.
        facts: ids of the facts that it rests on.
        spots: indices of the places that it rests on.
        draw: a prompt, where a picture was asked for.
    """

    text: str
    origin: str = "quoted"
    facts: tuple[str, ...] = ()
    spots: tuple[int, ...] = ()
    draw: str = ""


@dataclass(frozen=True, kw_only=True)
class TitleTask:
    """What titles are wanted for.

    Attributes:
        template: of the poster.
        name: of whom it shows; empty where that has no name.
        kind: class word; or, without a name, what is shown, in a few words.
        tones: what titles should be about first, such as ``peace and quiet``.
        count: titles wanted.
        seed: chooses among what could be asked.
    """

    template: str
    name: str = ""
    kind: str = ""
    tones: tuple[str, ...] = ()
    count: int = 4
    seed: int = 0


class AssistantEngine(Protocol):
    """Questions about things and pictures to answers, and posters to titles."""

    def answer(self, task: AssistantTask, say: Callable[[str], None]) -> AssistantReply:
        """Answer; `say` is told the answer so far and raises when somebody pressed stop.

        Raises:
            StudioError: there is no answer; it says why.
        """

    def titles(self, task: TitleTask, tell: Callable[[Sequence[str]], None]) -> tuple[str, ...]:
        """Make titles up; `tell` is told those there are so far and raises when somebody pressed stop.

        Fewer than were wanted, or none, where the language model gave no more that are of use; none are from a list.

        Raises:
            StudioError: there is no language model to ask; it says why.
        """


class RecognitionEngine(Protocol):
    """Photos to places, and places to the concepts they show."""

    def model(self) -> str:
        """Name and version of what makes the looks; looks of another model cannot be compared."""

    def remember(self, photo: Image.Image) -> bytes:
        """Return the looks of the subject of an upright RGB photo."""

    def places(self, photo: Image.Image, kinds: Sequence[str] = ()) -> PhotoPlaces:
        """Find the places of an upright RGB photo; `kinds` are the class words of what is known, as a hint."""

    def vectors(self) -> LookVectors | None:
        """Say how looks can be compared without the engine; None: they cannot."""

    def decide(
        self, places: PhotoPlaces, known: Sequence[Remembered], *, among: int | None = None
    ) -> tuple[Sighting, ...]:
        """Say what each place shows: named places first, the surest first, then unknown ones; quick.

        Args:
            places: of a photo.
            known: the concepts that come into question.
            among: how many concepts there are in all, where those are the likeliest of them only.
        """


@dataclass(frozen=True, kw_only=True)
class LearnedTaste:
    """What an engine learned of a taste.

    Attributes:
        data: in a form that only the engine reads.
        summary: for the person.
        files: content keys of the pictures it stands on; a verdict's `like` is a place in it.
    """

    data: bytes
    summary: TasteSummary
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HelpedTaste:
    """A learned taste with what others lend it.

    Attributes:
        data: to be used in the place of `LearnedTaste.data`, and not to be kept: it holds what the others lent.
        help: for the person.
    """

    data: bytes
    help: TasteHelp


class TasteEngine(Protocol):
    """Reactions to a taste, and pictures to how likely a person likes them."""

    def model(self) -> str:
        """Name and version; looks and learned tastes of another model cannot be read."""

    def attributes(self) -> tuple[TasteAttribute, ...]:
        """Return what pictures are measured by; cheap, loads no weights."""

    def look(self, picture: Image.Image) -> bytes:
        """Return what is seen in a picture, RGB or RGBA."""

    def learn(self, events: Sequence[TasteEvent], now: datetime) -> LearnedTaste:
        """Learn from events of pictures that were looked at."""

    def reference(self, picture: Image.Image) -> bytes:
        """Return what is seen of a picture that others are to look like, RGB or RGBA; see `BesideTaste`."""

    def score(
        self, learned: bytes, looks: Sequence[bytes], edits: Mapping[str, float], beside: BesideTaste | None = None
    ) -> tuple[TasteVerdict, ...]:
        """Say what a taste thinks of pictures; `TasteVerdict.like` holds a place in `LearnedTaste.files`."""

    def lend(self, learned: bytes, edits: Mapping[str, float]) -> Mapping[str, float]:
        """Return what others are given of a taste: numbers by the names of attributes; no picture, no reaction."""

    def borrow(self, learned: bytes, crowd: Sequence[Sequence[Mapping[str, float]]]) -> HelpedTaste:
        """Return a taste with the help of other people, each of whom has lent one taste or more."""

    def samples(self) -> tuple[Image.Image, ...]:
        """Return pictures to pick between, RGBA; none where this engine has none."""

    def next_pair(self, learned: bytes | None, shown: Sequence[int], seed: int) -> tuple[int, int]:
        """Return the two samples whose comparison tells most; `learned` is None when nothing is known."""

    def variants(
        self,
        learned: bytes,
        interests: Sequence[TasteInterest],
        edits: Mapping[str, float],
        count: int,
        beside: BesideTaste | None = None,
    ) -> tuple[TasteVariant, ...]:
        """Return at most `count` ways to draw something as this person would like it, like a picture where asked."""
