"""Photos of subjects as recognition sees them, computed once; who is known in a trial, and who is asked about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.recognition.matching import KnownThing, likeness
from pipelines.recognition.pipeline_output import Places
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.resolver import resolve

NOTHING = np.zeros((0, RecognitionPipeline.dim), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Photos:
    """All photos: `subject` [N] numbers, `remembered` N × [2, D] as enrolled, `places` as queried."""

    names: list[str]
    subject: np.ndarray
    remembered: list[FloatArray]
    places: list[Places]

    @cached_property
    def looks(self) -> FloatArray:
        """The looks of all places of all photos, one after the other."""
        return np.concatenate([places.looks for places in self.places])

    @cached_property
    def starts(self) -> np.ndarray:
        """Where in `looks` those of each photo begin; the first is the whole photo."""
        return np.cumsum([0, *(len(places.looks) for places in self.places[:-1])])

    @cache  # noqa: B019 (there is one object, for as long as the bench runs)
    def likeness_to(self, enrolled: tuple[int, ...]) -> FloatArray:
        """Likeness of the likeliest place of each photo to a thing with these photos, [N]."""
        return self.likeness_to_thing(self.known(enrolled))

    def likeness_to_thing(self, thing: KnownThing) -> FloatArray:
        """Likeness of the likeliest place of each photo to any thing, [N]."""
        found: FloatArray = np.maximum.reduceat(likeness(self.looks, thing.looks), self.starts)
        return found

    @cache  # noqa: B019
    def floor_to(self, enrolled: tuple[int, ...]) -> FloatArray:
        """Cosine of each whole photo to the nearest whole enrolled photo, [N]: what recognition has to beat."""
        whole = self.looks[self.starts]
        found: FloatArray = (whole @ whole[list(enrolled)].T).max(axis=1)
        return found

    def of(self, subjects: Sequence[int]) -> np.ndarray:
        """Indices of the photos of some subjects."""
        return np.flatnonzero(np.isin(self.subject, subjects))

    def known(self, photos: Sequence[int]) -> KnownThing:
        """What is remembered after these photos were enrolled."""
        return KnownThing(looks=np.concatenate([self.remembered[photo] for photo in photos]), not_looks=NOTHING)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Who is known, by which photos, and what is asked."""

    known: list[int]
    enrolled: list[list[int]]
    of_known: list[int]
    of_unknown: list[int]


class Features:
    """Computes what the bench needs of a picture once, and keeps it on disk by the picture's content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pipeline: RecognitionPipeline | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pipeline(self) -> RecognitionPipeline:
        """The real networks, opened when something is not in the cache."""
        self._pipeline = self._pipeline or RecognitionPipeline.from_files(resolve)
        return self._pipeline

    def remembered(self, photo: Image.Image) -> FloatArray:
        """Looks of an enrolled photo."""
        return self._kept("remember", photo, lambda: {"looks": self.pipeline.remember(photo)})["looks"]

    def places(self, photo: Image.Image) -> Places:
        """Places of a query."""

        def look() -> dict[str, np.ndarray]:
            found = self.pipeline.places(photo)
            return {"boxes": np.array(found.boxes), "looks": found.looks}

        kept = self._kept("places", photo, look)
        boxes = [(float(a), float(b), float(c), float(d)) for a, b, c, d in kept["boxes"]]
        return Places(boxes=tuple(boxes), looks=kept["looks"])

    def _kept(self, what: str, picture: Image.Image, compute: Any) -> dict[str, np.ndarray]:
        digest = hashlib.sha256(picture.mode.encode() + str(picture.size).encode() + picture.tobytes()).hexdigest()
        file = self.folder / f"{what}-{digest[:24]}.npz"
        if not file.exists():
            np.savez(file, **compute())
        with np.load(file) as kept:
            return {name: kept[name] for name in kept.files}


def read_photos(files: Sequence[Path], features: Features) -> Photos:
    """Look at every photo, as enrolled and as queried."""
    names = sorted({file.parent.name for file in files})
    opened = [Image.open(file).convert("RGB") for file in files]
    return Photos(
        names=names,
        subject=np.array([names.index(file.parent.name) for file in files]),
        remembered=[features.remembered(photo) for photo in opened],
        places=[features.places(photo) for photo in opened],
    )


def halves(subjects: int, seed: int) -> tuple[list[int], list[int]]:
    """Split subjects: those that the threshold may be measured on, and those that it is tested on."""
    order = np.random.default_rng(seed).permutation(subjects)
    return sorted(order[: subjects // 2].tolist()), sorted(order[subjects // 2 :].tolist())


def draws(photos: Photos, subjects: Sequence[int], known: int, count: int, options: Any) -> Iterator[Draw]:
    """Draw who is known and by which photos, again and again; the rest is asked."""
    rng = np.random.default_rng(options.seed + 1000 * count)
    for _ in range(options.draws):
        chosen = rng.choice(subjects, known, replace=False).tolist()
        enrolled = [rng.choice(photos.of([subject]), count, replace=False).tolist() for subject in chosen]
        used = {photo for some in enrolled for photo in some}
        others = [subject for subject in subjects if subject not in chosen]
        yield Draw(
            known=chosen,
            enrolled=enrolled,
            of_known=[photo for photo in photos.of(chosen).tolist() if photo not in used],
            of_unknown=photos.of(others).tolist(),
        )


def best_likeness(photos: Photos, draw: Draw, asked: list[int], *, whole: bool) -> tuple[FloatArray, np.ndarray]:
    """Likeness of each asked photo to the likeliest known thing, and which subject that is.

    Args:
        photos: all photos.
        draw: who is known.
        asked: the photos.
        whole: compare whole photos, see `Photos.floor_to`.
    """
    to = photos.floor_to if whole else photos.likeness_to
    scores = np.stack([to(tuple(sorted(some)))[asked] for some in draw.enrolled], axis=1)
    return scores.max(axis=1), np.array(draw.known)[scores.argmax(axis=1)]
