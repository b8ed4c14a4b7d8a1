"""MMPB's protocol, and RAP's captioning, QA and recognition, on one's own photos, for any assistant of a configuration.

    python -m tests.bench.bench_mmpb --photos FOLDER [--config configs/studio.smolvlm2.yaml] [--out F.json]

The folder holds a folder of photos for each subject. Two thirds of them get a card with two photos and three made-up
facts, as MMPB injects two photos or a moderate text; the rest stay strangers. Asked is about photos that were not
enrolled and about pictures of two to four cut-outs, directly and after ten turns of general talk (persistency).
Compared are no retrieval, the right cards (oracle), RAP's plain recipe (the two nearest, no threshold), and ours.
With --alone the chat model is asked everything, also what the studio would quote; the embedded assistant has no model
that could be asked alone. Every answer is kept beside --out as it comes, and a run that was broken off goes on there.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.matting import Matting, SubjectNotFoundError
from pipelines.recognition.regions import WHOLE, Box, box_of
from pipelines.resolver import resolve
from studio.bootstrap import assistant_engine, recognition_engine
from studio.config import load_config
from studio.domain.concepts import Concept, Fact
from studio.domain.conversations import ChatPicture, Message, Note, Role
from studio.domain.recognition import Found, Recognition
from studio.engines.base import AssistantEngine, PhotoPlaces, RecognitionEngine, Remembered
from studio.services.retrieval import retrieve
from tests.bench.composed_photos import Source, compose
from tests.bench.mmpb_questions import Question, Seen, Thing, note_of, preferences_of, questions_of, things_of
from tests.bench.mmpb_scoring import Answered, classic_rows, protocol_rows, unread_share

ENROLLED, ASKED = 2, 2  # photos of each subject
EDGE = 1280  # as the studio looks at photos
WAYS = ("none", "oracle", "plain", "ours")
PLAIN = 2  # things that the plain recipe always takes
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TALK = (
    ("What is a good name for a sourdough starter?", "Many people call theirs Clint Yeastwood."),
    ("How long do I boil an egg?", "Seven minutes for a soft yolk, ten for a hard one."),
    ("What is the tallest mountain of Africa?", "Kilimanjaro, 5,895 metres."),
    ("Is it going to rain?", "I cannot look at the weather from here."),
    ("Tell me a number between one and ten.", "Seven."),
    ("How do I get wax out of a tablecloth?", "Iron it between two sheets of blotting paper."),
    ("What does ‘serendipity’ mean?", "Finding something good without looking for it."),
    ("How many minutes are in a day?", "1,440."),
    ("Which planet is the largest?", "Jupiter."),
    ("What rhymes with orange?", "Hardly anything; ‘door hinge’ comes close."),
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What is asked about: cards, the person's notes, pictures with what they show, and what each way finds in them."""

    things: tuple[Thing, ...]
    concepts: tuple[Concept, ...]
    notes: tuple[Note, ...]
    pictures: tuple[Image.Image, ...]
    seen: tuple[Seen, ...]
    shows: Mapping[str, tuple[Recognition, ...]]
    prefers: dict[str, str]


def main() -> None:
    """Run the protocol and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/dreambooth"))
    parser.add_argument("--config", type=Path, help="a configuration of the studio; its assistant is measured")
    parser.add_argument("--alone", action="store_true", help="ask the chat model everything, quote nothing")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="of retrieval")
    parser.add_argument("--turns", nargs="+", type=int, default=(0, 10), help="of talk before a question")
    parser.add_argument("--composed", type=int, default=24, help="pictures of several things")
    parser.add_argument("--limit", type=int, help="questions of each task, for slow models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write tables and answers as JSON")
    options = parser.parse_args()
    if not options.photos.is_dir():
        parser.exit(1, f"No photos at {options.photos}; nothing was measured.\n")
    config = load_config(options.config)
    assistant = config.engines.assistant
    if options.alone:
        assistant = assistant.model_copy(update={"options": {**assistant.options, "quotes": False}})
    world = build_world(options.photos, recognition_engine(config.engines.recognition, config.models), options)
    questions = limited(questions_of(world.things, world.seen, world.prefers, options.seed), options.limit)
    engine = assistant_engine(assistant, config.models)
    kept = options.out.with_suffix(".answers.jsonl") if options.out else None
    answered = list(ask_all(world, questions, engine, options.ways, options.turns, kept))
    report = tables(answered, [thing.name for thing in world.things])
    for title, rows in report.items():
        print_rows(title, rows)
    if options.out is not None:
        about = {"assistant": assistant.model_dump(), "questions": len(questions), "pictures": len(world.pictures)}
        options.out.write_text(json.dumps(about | report, indent=2, default=str) + "\n", encoding="utf-8")


def tables(answered: Sequence[Answered], names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables by their titles."""
    unread = [{"answers that say none of what was asked for": unread_share(answered)}]
    return {
        "MMPB's tasks, share right": protocol_rows(answered),
        "RAP's tasks, without talk before": classic_rows(answered, names),
        "Answers": unread,
    }


def limited(questions: Sequence[Question], count: int | None) -> list[Question]:
    """Return at most `count` questions of each task, spread evenly."""
    if count is None:
        return list(questions)
    chosen: list[Question] = []
    for task in dict.fromkeys(one.task for one in questions):
        some = [one for one in questions if one.task == task]
        places = np.unique(np.linspace(0, len(some) - 1, min(count, len(some))).round().astype(int))
        chosen += [some[place] for place in places]
    return chosen


def build_world(folder: Path, engine: RecognitionEngine, options: Any) -> World:
    """Enrol, compose, look at every picture, and decide by each way of retrieval."""
    rng = random.Random(options.seed)
    subjects = sorted(one.name for one in folder.iterdir() if one.is_dir() and len(list(one.glob("*.jpg"))) > ENROLLED)
    if len(subjects) < 6:
        raise SystemExit(f"{folder} has {len(subjects)} subjects with {ENROLLED + 1} photos or more; 6 are needed.")
    kinds = _kinds(folder, subjects)
    known = [name for at, name in enumerate(subjects) if at % 3]
    photos = {name: [_opened(file) for file in sorted((folder / name).glob("*.jpg"))] for name in subjects}
    things = things_of([kinds[name] for name in known], rng)
    remembered = [
        Remembered(looks=tuple(engine.remember(photo) for photo in photos[name][:ENROLLED])) for name in known
    ]
    asked = [(name, photo) for name in subjects for photo in photos[name][ENROLLED : ENROLLED + ASKED]]
    pictures = [photo for _, photo in asked]
    seen = [_seen([name], [WHOLE], known, kinds) for name, _ in asked]
    for picture, names, boxes in _composed(asked, options.composed, options.seed):
        pictures.append(picture)
        seen.append(_seen(names, boxes, known, kinds))
    places = [engine.places(picture) for picture in pictures]
    concepts = tuple(_concept(at, thing) for at, thing in enumerate(things))
    found = {way: [_found(way, one, truth, remembered, engine) for one, truth in zip(places, seen, strict=True)]
             for way in options.ways}  # fmt: skip
    prefers = preferences_of(rng)
    return World(
        things=things,
        concepts=concepts,
        notes=tuple(_note(at, what, value) for at, (what, value) in enumerate(prefers.items())),
        pictures=tuple(pictures),
        seen=tuple(seen),
        shows={
            way: tuple(_recognition(picture, one, concepts) for picture, one in zip(pictures, some, strict=True))
            for way, some in found.items()
        },
        prefers=prefers,
    )


def ask_all(
    world: World,
    questions: Sequence[Question],
    engine: AssistantEngine,
    ways: Sequence[str],
    turns: Sequence[int],
    kept: Path | None,
) -> Iterator[Answered]:
    """Ask every question by every way of retrieval and after each number of turns; what was answered before stays."""
    before = _answers_before(kept)
    for way in ways:
        for count in turns:
            for question in questions:
                key = json.dumps([way, count, question.task, question.text, question.picture])
                answer = before.get(key)
                if answer is None:
                    answer = ask(world, question, engine, way, count)
                    if kept is not None:
                        with kept.open("a", encoding="utf-8") as file:
                            file.write(json.dumps({"key": key, "right": question.right, "answer": answer}) + "\n")
                yield Answered(question=question, way=way, turns=count, answer=answer)


def ask(world: World, question: Question, engine: AssistantEngine, way: str, turns: int) -> str:
    """Ask one question in a conversation of its own, with what is retrieved for it as in the studio."""
    talk = (TALK * (turns // len(TALK) + 1))[:turns]
    before = [_message(role, text) for pair in talk for role, text in zip(Role, pair, strict=True)]
    there = question.picture
    picture = None if there is None else world.pictures[there]
    shows = {} if there is None else {"picture": world.shows[way][there]}
    asked = _message(Role.USER, question.text, picture)
    without = way == "none"
    found = retrieve(asked, before, () if without else world.concepts, shows, () if without else world.notes)
    return engine.answer(found.with_evidence(picture, {}, ()).task, _nobody).text


def _answers_before(kept: Path | None) -> dict[str, str]:
    if kept is None or not kept.exists():
        return {}
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {line["key"]: line["answer"] for line in lines}


def _found(
    way: str, places: PhotoPlaces, truth: Seen, known: Sequence[Remembered], engine: RecognitionEngine
) -> list[tuple[Box, int | None, float]]:
    """Return what a way of retrieval finds in a picture: boxes, things, scores."""
    if way == "none":
        return []
    if way == "oracle":
        there: list[tuple[Box, int | None, float]] = [
            (box, one, 1.0) for box, one in zip(truth.boxes, truth.things, strict=True)
        ]
        return there + [(box, None, 0.0) for box in truth.strange_boxes]
    if way == "ours":
        return [(places.boxes[one.place], one.known, one.score) for one in engine.decide(places, known)]
    surest = [max(engine.decide(places, [one]), key=lambda place: place.score, default=None) for one in known]
    best = sorted(((one.score, at, one.place) for at, one in enumerate(surest) if one is not None), reverse=True)
    return [(places.boxes[place], at, score) for score, at, place in best[:PLAIN]]


def _composed(
    asked: Sequence[tuple[str, Image.Image]], count: int, seed: int
) -> Iterator[tuple[Image.Image, list[str], list[Box]]]:
    matting = Matting(resolve("u2netp"))
    sources: dict[str, list[Source]] = {}
    for name, photo in asked if count else ():
        try:
            cutout, alpha = matting.cut_out(photo), matting.matte(photo).alpha
        except SubjectNotFoundError:
            continue
        sources.setdefault(name, []).append(Source(photo=photo, box=box_of(alpha), cutout=cutout))
    every = [source for some in sources.values() for source in some]
    rng = np.random.default_rng(seed)
    for number in range(count):
        names = rng.choice(sorted(sources), 2 + number % 3, replace=False).tolist()
        things = [every.index(sources[name][int(rng.integers(len(sources[name])))]) for name in names]
        made = compose(every, things, rng)
        if len(made.things) > 1:
            yield made.picture, [names[things.index(thing)] for thing in made.things], list(made.boxes)


def _seen(names: Sequence[str], boxes: Sequence[Box], known: Sequence[str], kinds: Mapping[str, str]) -> Seen:
    there = [(known.index(name), box) for name, box in zip(names, boxes, strict=True) if name in known]
    strange = [(kinds[name], box) for name, box in zip(names, boxes, strict=True) if name not in known]
    return Seen(
        things=tuple(one for one, _ in there),
        boxes=tuple(box for _, box in there),
        strangers=tuple(kind for kind, _ in strange),
        strange_boxes=tuple(box for _, box in strange),
    )


def _kinds(folder: Path, subjects: Sequence[str]) -> dict[str, str]:
    """Return the class word of each subject: as the set's own table has it, else its folder's name without numbers."""
    table = folder / "prompts_and_classes.txt"
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    told = dict(line.strip().split(",", 1) for line in lines if line.count(",") == 1 and "'" not in line)
    return {name: told.get(name, name.rstrip("0123456789").replace("_", " ")) for name in subjects}


def _concept(at: int, thing: Thing) -> Concept:
    facts = tuple(Fact(text=text, added_at=NOW) for text in thing.facts)
    return Concept(id=f"c{at}", name=thing.name, kind=thing.kind, photos=(), facts=facts, created_at=NOW)


def _note(at: int, what: str, value: str) -> Note:
    return Note(id=f"n{at}", text=note_of(what, value), said_in="", added_at=NOW)


def _recognition(
    picture: Image.Image, found: Sequence[tuple[Box, int | None, float]], concepts: Sequence[Concept]
) -> Recognition:
    width, height = picture.size
    places = []
    for region, ((left, top, right, bottom), thing, score) in enumerate(found):
        concept = None if thing is None else concepts[thing]
        places.append(
            Found(
                region=region,
                box=(round(left * width), round(top * height), round(right * width), round(bottom * height)),
                concept_id=concept and concept.id,
                concept=concept and concept.name,
                score=score,
            )
        )
    return Recognition(width=width, height=height, found=tuple(places))


def _message(role: Role, text: str, picture: Image.Image | None = None) -> Message:
    pictures = ()
    if picture is not None:
        pictures = (ChatPicture(id="picture", message_id="m", file="", width=picture.width, height=picture.height),)
    return Message(id="m", conversation_id="c", role=role, text=text, created_at=NOW, pictures=pictures)


def _opened(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        photo = opened.convert("RGB")
    photo.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    return photo


def print_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table, a line for each column and a column for each row: there are more columns than rows."""
    print(f"\n{title}")
    for key in rows[0]:
        print(f"{key:<44}" + "".join(f"{_show(row[key]):>10}" for row in rows))


def _show(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _nobody(_: str) -> None:
    """Hear nothing."""


if __name__ == "__main__":
    main()
