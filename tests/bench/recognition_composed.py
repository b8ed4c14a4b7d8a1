"""Pictures of several things: who is named in them, where, and by how many cards of other things that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import FloatArray
from pipelines.matting import SubjectNotFoundError
from pipelines.recognition.matching import Finding, KnownThing, Matcher, assign
from pipelines.recognition.pipeline_output import Places
from pipelines.recognition.regions import WHOLE, Box, largest, overlap
from tests.bench.composed_photos import Source, compose
from tests.bench.recognition_photos import Features, Photos

CARDS = (20, 100, 300)


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
class Plan:
    """How pictures are composed: a name in the cache, of which subjects, of how many things in turn, how many."""

    name: str
    subjects: tuple[int, ...]
    sizes: tuple[int, ...]
    count: int
    seed: int


def compose_pictures(files: Sequence[Path], photos: Photos, features: Features, plan: Plan) -> list[Scene]:
    """Make pictures of several things and look at them; photos without a cut-out are not used."""
    record = features.folder / f"{plan.name}.json"
    if not record.exists():
        record.write_text(json.dumps(_compose_all(files, photos, features, plan)), encoding="utf-8")
    scenes = []
    for number, made in enumerate(json.loads(record.read_text(encoding="utf-8"))):
        with Image.open(features.folder / f"{plan.name}-{number:03d}.png") as picture:
            places = features.places(picture.convert("RGB"))
        boxes = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in made["boxes"])
        scenes.append(Scene(things=tuple(made["things"]), boxes=boxes, places=places))
    return scenes


def _compose_all(files: Sequence[Path], photos: Photos, features: Features, plan: Plan) -> list[dict[str, Any]]:
    sources: dict[int, Source] = {}
    for number in photos.of(plan.subjects).tolist():
        picture = Image.open(files[number]).convert("RGB")
        try:
            cutout = features.pipeline.matting.cut_out(picture)
        except SubjectNotFoundError:
            continue
        parts = [box for box in photos.places[number].boxes if box != WHOLE]
        sources[number] = Source(photo=picture, box=largest(parts), cutout=cutout)
    order = list(sources)
    rng = np.random.default_rng(plan.seed)
    made_of = []
    for number in range(plan.count):
        who = rng.choice(plan.subjects, plan.sizes[number % len(plan.sizes)], replace=False).tolist()
        things = [int(rng.choice([place for place, one in enumerate(order) if photos.subject[one] == w])) for w in who]
        made = compose(list(sources.values()), things, rng)
        made.picture.save(features.folder / f"{plan.name}-{number:03d}.png")
        made_of.append({"things": [order[thing] for thing in made.things], "boxes": made.boxes})
    return made_of


def composed_rows(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], options: Any
) -> dict[str, dict[str, Any]]:
    """Pictures of 2–4 things, those of the test half known with probability 0.6; ours beside RAP's plain recipe."""
    rows = {}
    for count in (1, 3):
        for method, decide in (("ours", assign), ("plain recipe", two_nearest)):
            tally = named_in(photos, matcher, scenes, testing, options, count=count, decide=decide)
            rows |= {f"composed, {size}, k={count}, {method}": tally[size].figures() for size in sorted(tally)}
    return rows


def all_known_rows(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], options: Any
) -> dict[str, dict[str, Any]]:
    """Pictures of four things of the test half that are all known, as are the rest of that half."""
    four = [scene for scene in scenes if len(scene.things) == 4]
    rows = {}
    for count in (1, 3):
        for method, decide in (("ours", assign), ("plain recipe", two_nearest)):
            tally = named_in(photos, matcher, four, testing, options, count=count, decide=decide, share=1.0)
            rows[f"composed, 4 known things ({len(four)} pictures), k={count}, {method}"] = tally["all"].figures()
    return rows


def two_nearest(boxes: Sequence[Box], scores: FloatArray) -> list[Finding]:
    """Name the two things that some place is most like, whether they are alike or not (RAP, top-K with K = 2)."""
    things = np.argsort(-scores.max(axis=0))[:2].tolist()
    places = scores.argmax(axis=0)
    return [Finding(region=int(places[one]), known=one, score=float(scores[:, one].max())) for one in things]


def composed_card_rows(
    photos: Photos,
    matcher: Matcher,
    scenes: Sequence[Scene],
    testing: Sequence[int],
    others: Sequence[KnownThing],
    options: Any,
) -> dict[str, dict[str, Any]]:
    """The composed pictures among more and more cards of other things."""
    rows = {}
    for cards in CARDS:
        for method, decide in (("ours", assign), ("plain recipe", two_nearest)):
            more = others[: max(0, cards - len(testing))]
            tally = named_in(photos, matcher, scenes, testing, options, count=3, decide=decide, more=more)
            rows[f"composed, all, k=3, {cards} cards, {method}"] = tally["all"].figures()
    return rows


def named_in(
    photos: Photos, matcher: Matcher, scenes: Sequence[Scene], testing: Sequence[int], options: Any,
    *, count: int, decide: Callable[[Sequence[Box], FloatArray], list[Finding]] = assign,
    more: Sequence[KnownThing] = (), share: float = 0.6,
) -> dict[str, Tally]:  # fmt: skip
    """Count names in pictures of which each thing of the test half is known with the probability `share`."""
    rng = np.random.default_rng(options.seed + count)
    tallies = {"all": Tally(), **{f"{size} things": Tally() for size in (2, 3, 4)}}
    for scene in scenes:
        who = [int(photos.subject[thing]) for thing in scene.things]
        for _ in range(max(1, options.draws // 20)):
            known = [one for one in testing if one not in who or rng.random() < share]
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
