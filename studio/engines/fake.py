"""Engines without weights: instant, deterministic, pleasant to look at; they remember what they were asked."""

from __future__ import annotations

import colorsys
import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from safetensors import SafetensorError
from safetensors.numpy import load, save

from studio.domain.scores import Scores
from studio.engines.base import (
    AssistantReply,
    AssistantTask,
    ImageCapabilities,
    ImageJob,
    LookVectors,
    PhotoPlaces,
    PhotoReading,
    Refined,
    Remembered,
    Report,
    Sighting,
    StyleReading,
    TitleTask,
)
from studio.errors import InvalidInput, StudioError

_OVERSAMPLING = 2
_KINDS = ("dog", "cat", "mug", "toy", "backpack", "plant", "shoe", "bird")
_ADAPTED = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
_RANK = 4
_CHANNELS = 32
_ALIKE = 120.0  # distance of two colours, 0–441


class FakeImageEngine:
    """Draws a friendly rounded creature per seed, its shape by prompt and seed, its colours by subject or palette.

    Args:
        size: width and height in pixels.
        steps: default number of steps.
        step_seconds: pause per step, to watch progress and stop in the page.
        personal: what `capabilities` says about personal LoRAs.
        tastes: what it says about tokens of tastes.
        palettes: what it says about palettes.
    """

    def __init__(
        self,
        *,
        size: int = 256,
        steps: int = 8,
        step_seconds: float = 0.0,
        personal: bool = True,
        tastes: bool = False,
        palettes: bool = True,
    ) -> None:
        self.requests: list[ImageJob] = []
        self._size = size
        self._steps = steps
        self._step_seconds = step_seconds
        self._personal = personal
        self._tastes = tastes
        self._palettes = palettes

    def capabilities(self) -> ImageCapabilities:
        """Say what this engine can do."""
        return ImageCapabilities(
            model="fake",
            model_hash="0000000000",
            width=self._size,
            height=self._size,
            default_steps=self._steps,
            default_guidance=4.0,
            scheduler="Fake",
            transparent=True,
            personal=self._personal,
            photo_poses=self._personal,
            tastes=self._tastes,
            palettes=self._palettes,
        )

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """Draw one RGBA picture per seed, each of them sharpening over the steps."""
        self.requests.append(job)
        total = len(job.seeds) * job.steps
        pictures = []
        for number, seed in enumerate(job.seeds):
            picture = draw_creature(job, seed, self._size)
            for step in range(job.steps):
                blur = self._size / 12 * (1 - (step + 1) / job.steps)
                share = (number * job.steps + step) / total
                message = f"Picture {number + 1} of {len(job.seeds)}, step {step + 1} of {job.steps}"
                report(share, message, picture.filter(ImageFilter.GaussianBlur(blur)))
                time.sleep(self._step_seconds)
            pictures.append(picture)
        report(1.0)
        return pictures

    def read_style(self, data: bytes) -> StyleReading:
        """Take any safetensors file with factors in it for a style LoRA of its model."""
        try:
            names = [name for name in load(data) if name.endswith((".lora_down.weight", ".lora_A.weight"))]
            notes = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
        except (SafetensorError, ValueError, KeyError) as error:
            raise InvalidInput(f"The LoRA is not a readable safetensors file: {error}.") from error
        if not names:
            raise InvalidInput("The file holds no LoRA that is known here.")
        return StyleReading(
            trigger=notes.get("modelspec.trigger_phrase", ""), title=notes.get("modelspec.title", ""),
            digest=_digest(data).hex()[:12], layers=len(names),
        )  # fmt: skip


class FakeSubjectEngine:
    """Takes the middle of a photo for the subject; its LoRA is a small valid file that depends on cut-outs and class.

    Args:
        model: what `model` says; another value makes stored adapters outdated.
    """

    def __init__(self, *, model: str = "fake-1") -> None:
        self.readings: list[Image.Image] = []
        self.requests: list[tuple[int, str]] = []
        self._model = model

    def read(self, photo: Image.Image) -> PhotoReading:
        """Cut out an ellipse in the middle of an upright RGB photo."""
        self.readings.append(photo)
        width, height = photo.size
        box = (width // 8, height // 8, width - width // 8, height - height // 8)
        mask = Image.new("L", photo.size)
        ImageDraw.Draw(mask).ellipse(box, fill=255)
        cutout = photo.convert("RGBA")
        cutout.putalpha(mask)
        first = _digest(photo.tobytes())[0] % len(_KINDS)
        kinds = tuple((_KINDS[(first + rank) % len(_KINDS)], round(0.6 / (rank + 1), 2)) for rank in range(3))
        coverage = float(np.asarray(mask, dtype=np.float64).mean() / 255)
        colour = np.asarray(photo.convert("RGB").crop(box).resize((1, 1)), np.float32).ravel()
        return PhotoReading(cutout=cutout.crop(box), coverage=coverage, kinds=kinds, look=colour.tobytes(), box=box)

    def groups(self, looks: Sequence[bytes]) -> list[list[int]]:
        """Group photos whose mean colours are nearer than `_ALIKE` to that of the first of the group."""
        groups: list[list[int]] = []
        for number, look in enumerate(looks):
            near = next((group for group in groups if _apart(looks[group[0]], look) < _ALIKE), None)
            if near is None:
                groups.append([number])
            else:
                near.append(number)
        return sorted(groups, key=len, reverse=True)

    def personalize(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """Return LoRA factors of one layer as safetensors bytes."""
        self.requests.append((len(cutouts), kind))
        report(0.0, "Predicting the personal weights")
        seed = _digest(*(cutout.tobytes() for cutout in cutouts), kind.encode(), self._model.encode())
        numbers = np.random.default_rng(list(seed[:16]))
        tensors = {
            f"{_ADAPTED}.lora_A.weight": numbers.normal(size=(_RANK, _CHANNELS)).astype(np.float16),
            f"{_ADAPTED}.lora_B.weight": numbers.normal(size=(_CHANNELS, _RANK)).astype(np.float16),
        }
        report(1.0)
        return bytes(save(tensors, metadata={"model": self._model}))

    def describe(self, cutouts: Sequence[Image.Image], kind: str) -> str:
        """Name the main colours, as the real one does."""
        from pipelines.colour_words import colours_in_words

        return colours_in_words(cutouts, kind)

    def model(self) -> str:
        """Return the name given."""
        return self._model


class FakeRefiningEngine:
    """Moves every number of the adapter by a little; its gain in likeness is given.

    Args:
        gain: how much the likeness grows; what is not more than 0 does not help.
        steps: how often progress is reported.
        step_seconds: pause per step, to watch progress and stop in the page.
    """

    def __init__(self, *, gain: float = 0.05, steps: int = 6, step_seconds: float = 0.0) -> None:
        self.requests: list[tuple[int, str]] = []
        self._gain, self._steps, self._step_seconds = gain, steps, step_seconds

    def refine(self, adapter: bytes, cutouts: Sequence[Image.Image], kind: str, report: Report) -> Refined:
        """Return the adapter with other numbers."""
        self.requests.append((len(cutouts), kind))
        for step in range(self._steps):
            report(step / self._steps, f"Learning, step {step + 1} of {self._steps}")
            time.sleep(self._step_seconds)
        numbers = {name: value + np.float16(0.01) for name, value in load(adapter).items()}
        pictures = tuple(cutout.resize((64, 64)) for cutout in cutouts[:2])
        report(1.0)
        return Refined(
            adapter=bytes(save(numbers, metadata={"refined": str(self._steps)})),
            pictures_before=pictures,
            pictures_after=tuple(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures),
            likeness_before=0.6,
            likeness_after=0.6 + self._gain,
            error=0.01,
            colours_before=12.0,
            colours_after=11.0,
            helps=self._gain > 0.01,
        )


class FakeRecognitionEngine:
    """Takes the halves of a wide photo for its places, and the whole of any other; a look is a few colours.

    Args:
        least: the cosine from which on two looks are the same thing.
    """

    def __init__(self, *, least: float = 0.9) -> None:
        self.remembered: list[Image.Image] = []
        self.seen: list[Image.Image] = []
        self._least = least

    def model(self) -> str:
        """Return its name."""
        return "fake-1"

    def remember(self, photo: Image.Image) -> bytes:
        """Return the look of the whole photo."""
        self.remembered.append(photo)
        return _look(photo)

    def places(self, photo: Image.Image, kinds: Sequence[str] = ()) -> PhotoPlaces:
        """Return the halves of a photo at least 1.6 times as wide as high, else the whole."""
        self.seen.append(photo)
        width, height = photo.size
        wide = width >= 1.6 * height
        boxes = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)) if wide else ((0.0, 0.0, 1.0, 1.0),)
        parts = [photo.crop((round(left * width), 0, round(right * width), height)) for left, _, right, _ in boxes]
        return PhotoPlaces(boxes=boxes, looks=tuple(map(_look, parts)))

    def vectors(self) -> LookVectors | None:
        """Return None: its looks are in single precision."""
        return None

    def decide(
        self, places: PhotoPlaces, known: Sequence[Remembered], *, among: int | None = None
    ) -> tuple[Sighting, ...]:
        """Give every place the most alike of the concepts that are alike enough."""
        sightings = []
        for place, look in enumerate(places.looks):
            likeness = [_nearest(look, one.looks) for one in known]
            allowed = [
                value if value > _nearest(look, one.not_looks) else 0.0
                for value, one in zip(likeness, known, strict=True)
            ]
            best = int(np.argmax(allowed)) if allowed else None
            score = round(max(allowed, default=0.0), 4)
            sightings.append(Sighting(place=place, known=best if score >= self._least else None, score=score))
        return tuple(sorted(sightings, key=lambda one: (one.known is None, -one.score)))


class FakeAssistantEngine:
    """Says what it was given: the names in the picture, and every fact of the things that are meant, word by word.

    Args:
        word_seconds: pause per word, to watch the answer and stop it in the page.
        fails: a sentence; with one, every question ends with it as an error.
    """

    def __init__(self, *, word_seconds: float = 0.0, fails: str = "") -> None:
        self.tasks: list[AssistantTask] = []
        self.title_tasks: list[TitleTask] = []
        self._word_seconds = word_seconds
        self._fails = fails

    def answer(self, task: AssistantTask, say: Callable[[str], None]) -> AssistantReply:
        """Answer."""
        self.tasks.append(task)
        if self._fails:
            raise StudioError(self._fails)
        named = [at for at, spot in enumerate(task.spots) if spot.card is not None]
        names = [task.cards[task.spots[at].card or 0].name for at in named]
        facts = [fact for card in task.cards if card.meant for fact in card.facts]
        shown = f"I see {' and '.join(names)}." if names else "I see nothing I know." if task.picture else ""
        told = " ".join(f"“{text}”." for _, text in facts)
        text = " ".join(part for part in (shown, told) if part) or "I know nothing about that."
        words = text.split()
        for count in range(1, len(words) + 1):
            say(" ".join(words[:count]))
            time.sleep(self._word_seconds)
        return AssistantReply(text=text, facts=tuple(fact_id for fact_id, _ in facts), spots=tuple(named))

    def titles(self, task: TitleTask, tell: Callable[[Sequence[str]], None]) -> tuple[str, ...]:
        """Make titles of the name, the template and the tones; they are numbered by the seed."""
        self.title_tasks.append(task)
        if self._fails:
            raise StudioError(self._fails)
        made: list[str] = []
        for number in range(task.count):
            tell(tuple(made))
            time.sleep(self._word_seconds)
            tone = task.tones[number % len(task.tones)] if task.tones else "fine"
            made.append(
                f"A {tone} {task.template} of {task.name or task.kind}, take {'abcdef'[(task.seed + number) % 6]}"
            )
        tell(tuple(made))
        return tuple(made)


class FakeMeterEngine:
    """Scores a picture by its bytes: always the same for the same picture, likeness only where there is a subject."""

    def __init__(self) -> None:
        self.requests: list[ImageJob] = []

    def score(self, pictures: Sequence[Image.Image], job: ImageJob, report: Report) -> list[Scores]:
        """Return two numbers in 0–1 for each picture."""
        self.requests.append(job)
        found = []
        for number, picture in enumerate(pictures):
            report(number / len(pictures), "Looking at what was drawn")
            first, second = _digest(picture.tobytes())[:2]
            found.append(Scores(likeness=first / 255 if job.subjects else None, prompt=second / 255))
        return found


def _look(photo: Image.Image) -> bytes:
    colours = np.asarray(photo.convert("RGB").resize((4, 4)), np.float32).ravel()
    colours -= colours.mean()
    return (colours / max(float(np.linalg.norm(colours)), 1e-6)).astype(np.float32).tobytes()


def _apart(one: bytes, other: bytes) -> float:
    return float(np.linalg.norm(np.frombuffer(one, np.float32) - np.frombuffer(other, np.float32)))


def _nearest(look: bytes, others: Sequence[bytes]) -> float:
    vector = np.frombuffer(look, np.float32)
    return max((float(vector @ np.frombuffer(other, np.float32)) for other in others), default=0.0)


def draw_creature(job: ImageJob, seed: int, size: int) -> Image.Image:
    """Draw the creature of a prompt and seed on transparent ground, RGBA, `size` × `size` pixels."""
    subject = b"".join((subject.adapter or subject.kind.encode()) for subject in job.subjects)
    colours = random.Random(_digest(subject or job.prompt.encode()))
    shapes = random.Random(_digest(job.prompt.encode(), str(seed).encode()))
    hue = colours.random()
    if job.style is not None:
        hue += job.style.strength * _digest(job.style.file)[0] / 512
    edge = size * _OVERSAMPLING
    picture = Image.new("RGBA", (edge, edge))
    brush = ImageDraw.Draw(picture)
    outline = _rounded(shapes, edge)
    brush.polygon(_scaled(outline, edge, 1.09), fill="white")
    worn = job.palette if not job.subjects else ()
    brush.polygon(outline, fill=worn[0] if worn else _colour(hue, 0.45, 0.98))
    brush.polygon(_scaled(outline, edge, 0.72), fill=worn[-1] if worn else _colour(hue + 0.06, 0.30, 1.0))
    _draw_face(brush, edge, shapes, _colour(hue + 0.5, 0.75, 0.35))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _rounded(shapes: random.Random, edge: int) -> list[tuple[float, float]]:
    waves = [(count, shapes.uniform(0.0, 0.06), shapes.uniform(0.0, math.tau)) for count in (2, 3, 5)]
    points = []
    for degree in range(0, 360, 2):
        angle = math.radians(degree)
        radius = 0.36 * edge * (1 + sum(depth * math.sin(count * angle + phase) for count, depth, phase in waves))
        points.append((edge / 2 + radius * math.cos(angle), edge / 2 + radius * math.sin(angle)))
    return points


def _scaled(points: Sequence[tuple[float, float]], edge: int, factor: float) -> list[tuple[float, float]]:
    middle = edge / 2
    return [(middle + (x - middle) * factor, middle + (y - middle) * factor) for x, y in points]


def _draw_face(brush: ImageDraw.ImageDraw, edge: int, shapes: random.Random, ink: tuple[int, int, int]) -> None:
    apart, eye = shapes.uniform(0.09, 0.14) * edge, shapes.uniform(0.025, 0.04) * edge
    for x in (edge / 2 - apart, edge / 2 + apart):
        y = edge * 0.45
        brush.ellipse((x - eye, y - eye, x + eye, y + eye), fill=ink)
        brush.ellipse((x - eye * 0.1, y - eye * 0.7, x + eye * 0.6, y), fill="white")
    smile = shapes.uniform(0.06, 0.11) * edge
    box = (edge / 2 - smile, edge * 0.48, edge / 2 + smile, edge * 0.48 + smile * 1.3)
    brush.arc(box, 20, 160, fill=ink, width=max(2, edge // 70))


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"\0".join(parts)).digest()
