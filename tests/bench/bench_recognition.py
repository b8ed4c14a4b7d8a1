"""How well known things are recognised in photos, and unknown ones refused.

    python -m tests.bench.bench_recognition [--photos FOLDER] [--distractors FOLDER] [--out FILE.json]
    python -m tests.bench.bench_recognition --calibrate     # measures configs/recognition.yaml again

The subjects are split in two halves by a fixed seed. The shipped threshold is measured on one half and never sees the
other: in the rows of the test half and of composed pictures, all known things are of the other half; in composed
pictures, things of the first half appear as strangers only. What is compared with what (encoders, crops, sharpness) was
chosen with all subjects in view; only threshold and slope are held out. Features and composed pictures are made once
and kept in --cache.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.matting import SubjectNotFoundError
from pipelines.recognition.calibration import DEFAULT_CONFIG, calibrate, load_calibration
from pipelines.recognition.matching import Calibration, Finding, KnownThing, Matcher, assign, likeness
from pipelines.recognition.pipeline_output import Places
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.recognition.regions import WHOLE, Box, largest, overlap
from pipelines.resolver import resolve
from tests.bench.composed_photos import Source, compose

FALSE_ACCEPTS = 0.05
# The calibration half leaves a gap between known and unknown; the threshold lies at its lower end.
SHIPPED_FALSE_ACCEPTS = 0.01
COMPOSED = 60
LOOKALIKES = ("dog", "dog2", "dog3", "dog5", "dog7")
NOTHING = np.zeros((0, 1088), np.float32)


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
        alike = likeness(self.looks, self.known(enrolled).looks)
        found: FloatArray = np.maximum.reduceat(alike, self.starts)
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
class Scene:
    """A composed picture: `things` are indices of photos, `boxes` where they lie, `places` what was looked at."""

    things: tuple[int, ...]
    boxes: tuple[Box, ...]
    places: Places


@dataclass(kw_only=True)
class Tally:
    """Counts names given, due and right."""

    right: int = 0
    named: int = 0
    due: int = 0
    placed: int = 0
    exact: int = 0
    asked: int = 0

    def count(self, answer: Mapping[int, Box], wanted: Mapping[int, Box]) -> None:
        """Add one picture."""
        hits = answer.keys() & wanted.keys()
        self.right += len(hits)
        self.named += len(answer)
        self.due += len(wanted)
        self.placed += sum(overlap(answer[hit], wanted[hit]) >= 0.5 for hit in hits)
        self.exact += answer.keys() == wanted.keys()
        self.asked += 1

    def figures(self) -> dict[str, Any]:
        """Return the shares."""
        precision, recall = self.right / max(self.named, 1), self.right / max(self.due, 1)
        return {
            "precision": precision,
            "recall": recall,
            "F1": 2 * precision * recall / max(precision + recall, 1e-9),
            "boxes right (IoU ≥ 0.5)": self.placed / max(self.right, 1),
            "all names right": self.exact / max(self.asked, 1),
        }


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


def main() -> None:
    """Run the bench, print its table and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/dreambooth"))
    parser.add_argument("--distractors", type=Path, help="pictures of other things, each one more card")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "keepsake-bench-recognition")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calibrate", action="store_true", help="write configs/recognition.yaml")
    parser.add_argument("--times", action="store_true", help="measure seconds too; worth it on an idle machine only")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    if not options.photos.is_dir():
        parser.exit(1, f"No photos at {options.photos}; nothing was measured.\n")
    features = Features(options.cache)
    files = sorted(options.photos.glob("*/*.jpg"))
    photos = read_photos(files, features)
    calibrating, testing = halves(len(photos.names), seed=options.seed)
    if options.calibrate:
        write_calibration(photos, calibrating, options)
        return
    matcher = Matcher(load_calibration())
    rows: dict[str, dict[str, Any]] = {}
    for count in (1, 3):
        rows |= open_set_rows(photos, matcher, testing, count, options)
    scenes = compose_pictures(files, photos, features, options.seed)
    rows |= composed_rows(photos, matcher, scenes, testing, options)
    if options.distractors is not None:
        rows |= card_rows(photos, matcher, scenes, testing, features, options)
    rows |= correction_rows(photos, matcher, options)
    if options.times:
        rows |= time_rows(features.pipeline, files, photos)
    for name, figures in rows.items():
        print(f"{name:<58}" + "  ".join(f"{key} {_show(value)}" for key, value in figures.items()))
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


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


def open_set_rows(
    photos: Photos, matcher: Matcher, testing: Sequence[int], count: int, options: Any
) -> dict[str, dict[str, Any]]:
    """Photos of one thing: who is it, and is it known at all."""
    everyone = list(range(len(photos.names)))
    alike = [photos.names.index(name) for name in LOOKALIKES if name in photos.names]
    settings = [
        (f"test half, 6 known, 4 unknown, k={count}", testing, 6),
        (f"all 20 subjects, 13 known, 7 unknown, k={count}", everyone, 13),
        (f"look-alikes: 3 dogs known, 2 unknown, k={count}", alike, 3),
    ]
    rows = {}
    for title, subjects, known in settings:
        for whole in (True, False):
            method = "floor: whole pictures" if whole else "ours"
            rows[f"{title}, {method}"] = _open_set(
                photos, draws(photos, subjects, known, count, options), None if whole else matcher.calibration
            )
    return rows


def _open_set(photos: Photos, trials: Iterator[Draw], shipped: Calibration | None) -> dict[str, Any]:
    top, at_five, accepted, wrong = [], [], [], []
    for draw in trials:
        scores, named = best_likeness(photos, draw, draw.of_known, whole=shipped is None)
        others, _ = best_likeness(photos, draw, draw.of_unknown, whole=shipped is None)
        right = named == photos.subject[draw.of_known]
        top.append(right.mean())
        at_five.append((right & (scores > np.quantile(others, 1 - FALSE_ACCEPTS))).mean())
        if shipped is not None:
            accepted.append((right & (scores >= shipped.threshold)).mean())
            wrong.append((others >= shipped.threshold).mean())
    figures = {"top-1": np.mean(top), "right accepts at 5 % false": np.mean(at_five)}
    if shipped is not None:
        figures |= {"with the shipped threshold: right": np.mean(accepted), "false": np.mean(wrong)}
    return {name: float(value) for name, value in figures.items()}


def write_calibration(photos: Photos, subjects: Sequence[int], options: Any) -> None:
    """Measure threshold and slope on the calibration half and write them down."""
    same, different = [], []
    for count in (1, 2, 3):
        for draw in draws(photos, subjects, 6, count, options):
            scores, named = best_likeness(photos, draw, draw.of_known, whole=False)
            same.append(scores[named == photos.subject[draw.of_known]])
            different.append(best_likeness(photos, draw, draw.of_unknown, whole=False)[0])
    found = calibrate(
        np.concatenate(same),
        np.concatenate(different),
        false_accepts=SHIPPED_FALSE_ACCEPTS,
        photos=len(photos.of(subjects)),
    )
    values = {"threshold": round(found.threshold, 4), "slope": round(found.slope, 2)}
    comment = (
        "# From the likeness of two looks to a probability; written by\n"
        "#   python -m tests.bench.bench_recognition --calibrate\n"
        f"# on {', '.join(photos.names[subject] for subject in subjects)}:\n"
        f"# at the threshold, {SHIPPED_FALSE_ACCEPTS:.0%} of photos of unknown things are taken for a known one.\n"
    )
    DEFAULT_CONFIG.write_text(comment + yaml.safe_dump({"calibration": values}), encoding="utf-8")
    print(f"{DEFAULT_CONFIG}: {values}")


def compose_pictures(files: Sequence[Path], photos: Photos, features: Features, seed: int) -> list[Scene]:
    """Make pictures of 2–4 things and look at them; photos without a cut-out are not used."""
    plan = features.folder / "composed.json"
    if not plan.exists():
        plan.write_text(json.dumps(_compose_all(files, photos, features, seed)), encoding="utf-8")
    scenes = []
    for number, made in enumerate(json.loads(plan.read_text(encoding="utf-8"))):
        with Image.open(features.folder / f"composed-{number:03d}.png") as picture:
            places = features.places(picture.convert("RGB"))
        boxes = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in made["boxes"])
        scenes.append(Scene(things=tuple(made["things"]), boxes=boxes, places=places))
    return scenes


def _compose_all(files: Sequence[Path], photos: Photos, features: Features, seed: int) -> list[dict[str, Any]]:
    sources: dict[int, Source] = {}
    for number, file in enumerate(files):
        picture = Image.open(file).convert("RGB")
        try:
            cutout = features.pipeline.matting.cut_out(picture)
        except SubjectNotFoundError:
            continue
        parts = [box for box in photos.places[number].boxes if box != WHOLE]
        sources[number] = Source(photo=picture, box=largest(parts), cutout=cutout)
    order = list(sources)
    rng = np.random.default_rng(seed)
    plan = []
    for number in range(COMPOSED):
        who = rng.choice(len(photos.names), 2 + number % 3, replace=False).tolist()
        things = [int(rng.choice([place for place, one in enumerate(order) if photos.subject[one] == w])) for w in who]
        made = compose(list(sources.values()), things, rng)
        made.picture.save(features.folder / f"composed-{number:03d}.png")
        plan.append({"things": [order[thing] for thing in made.things], "boxes": made.boxes})
    return plan


def composed_rows(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], options: Any
) -> dict[str, dict[str, Any]]:
    """Pictures of 2–4 things, those of the test half known with probability 0.6; ours beside RAP's plain recipe."""
    rows = {}
    for count in (1, 3):
        for method, decide in (("ours", assign), ("plain recipe", two_nearest)):
            tally = _named(photos, matcher, scenes, testing, options, count=count, decide=decide)
            rows |= {f"composed, {size}, k={count}, {method}": tally[size].figures() for size in sorted(tally)}
    return rows


def two_nearest(boxes: Sequence[Box], scores: FloatArray) -> list[Finding]:
    """Name the two things that some place is most like, whether they are alike or not (RAP, top-K with K = 2)."""
    things = np.argsort(-scores.max(axis=0))[:2].tolist()
    places = scores.argmax(axis=0)
    return [Finding(region=int(places[one]), known=one, score=float(scores[:, one].max())) for one in things]


def card_rows(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], features: Features, options: Any
) -> dict[str, dict[str, Any]]:
    """The composed pictures among more and more cards of other things."""
    files = sorted([*options.distractors.rglob("*.png"), *options.distractors.rglob("*.jpg")])
    looks = [features.remembered(Image.open(file).convert("RGB")) for file in files]
    others = [KnownThing(looks=one, not_looks=NOTHING) for one in looks]
    rows = {}
    for more in (0, 10, 90, 290):
        if len(others) >= more:
            tally = _named(photos, matcher, scenes, testing, options, count=3, more=others[:more])
            rows[f"composed, all, k=3, {more} cards of other things"] = tally["all"].figures()
    return rows


def _named(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], options: Any,
    *, count: int, decide: Callable[[Sequence[Box], FloatArray], list[Finding]] = assign,
    more: Sequence[KnownThing] = (),
) -> dict[str, Tally]:  # fmt: skip
    rng = np.random.default_rng(options.seed + count)
    tallies = {"all": Tally(), **{f"{size} things": Tally() for size in (2, 3, 4)}}
    for scene in scenes:
        who = [int(photos.subject[thing]) for thing in scene.things]
        for _ in range(max(1, options.draws // 20)):
            known = [one for one in testing if one not in who or rng.random() < 0.6]
            things = [_enrol(photos, one, count, scene.things, rng) for one in known] + list(more)
            found = decide(scene.places.boxes, matcher.scores(scene.places.looks, things))
            answer = {one.known: scene.places.boxes[one.region] for one in found if one.known is not None}
            wanted = {known.index(one): box for one, box in zip(who, scene.boxes, strict=True) if one in known}
            for size in ("all", f"{len(who)} things"):
                tallies[size].count(answer, wanted)
    return tallies


def _enrol(photos: Photos, subject: int, count: int, but: Sequence[int], rng: np.random.Generator) -> KnownThing:
    free = [photo for photo in photos.of([subject]).tolist() if photo not in but]
    return photos.known(rng.choice(free, min(count, len(free)), replace=False).tolist())


def correction_rows(photos: Photos, matcher: Matcher, options: Any) -> dict[str, dict[str, Any]]:
    """One correction: an unknown look-alike taken for a known thing, before and after one photo of it is refused."""
    rng = np.random.default_rng(options.seed)
    alike = [photos.names.index(name) for name in LOOKALIKES if name in photos.names]
    counts = {"false before": [], "false after": [], "right before": [], "right after": []}  # type: ignore[var-annotated]
    low = Matcher(Calibration(threshold=matcher.calibration.threshold - 0.2, slope=matcher.calibration.slope))
    for _ in range(options.draws):
        known, other = rng.choice(alike, 2, replace=False).tolist()
        enrolled = rng.choice(photos.of([known]), 1).tolist()
        refused, *rest = rng.permutation(photos.of([other])).tolist()
        before = photos.known(enrolled)
        after = KnownThing(looks=before.looks, not_looks=photos.places[refused].looks)
        for when, thing in (("before", before), ("after", after)):
            for what, asked in (("false", rest), ("right", [one for one in photos.of([known]) if one not in enrolled])):
                hits = [low.scores(photos.places[photo].looks, [thing]).max() >= 0.5 for photo in asked]
                counts[f"{what} {when}"].append(float(np.mean(hits)))
    return {"one refusal of a look-alike, threshold 0.2 lower": {name: float(np.mean(v)) for name, v in counts.items()}}


def time_rows(pipeline: RecognitionPipeline, files: Sequence[Path], photos: Photos) -> dict[str, dict[str, Any]]:
    """Seconds on one thread, the median of five photos after one to warm up."""
    opened = [Image.open(file).convert("RGB") for file in files[:: len(files) // 6][:6]]
    cards = [photos.known([number % len(photos.subject)]) for number in range(300)]
    found = pipeline.places(opened[0])
    return {
        "seconds a photo, one thread": {
            "look": _seconds(pipeline.places, opened[1:]),
            "remember": _seconds(pipeline.remember, opened[1:]),
            "decide among 300 cards": _seconds(lambda _: pipeline.decide(found, cards), opened[1:]),
        }
    }


def _seconds(run: Any, pictures: Sequence[Image.Image]) -> float:
    times = []
    for picture in pictures:
        start = time.perf_counter()
        run(picture)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _show(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
