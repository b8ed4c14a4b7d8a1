"""What the assistant gets right: who is in a picture, what a card says, and what it does not say.

python -m tests.bench.bench_assistant --photos ../shared/data/dreambooth [--language 24] [--json FILE]
python -m tests.bench.bench_assistant --facts          # the threshold of facts only; needs no photos

Enrolled is one photo of each of two thirds of the subjects, with three made-up facts each; the rest is never enrolled.
Compared are: no retrieval; the right card given (oracle); RAP's plain recipe, the nearest card and no threshold; ours.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, CardFact, Spot
from pipelines.assistant.facts import FactFinder, SentenceEncoder, load_thresholds
from pipelines.assistant.pipeline_assistant import AssistantPipeline
from pipelines.assistant.prompting import build_prompt
from pipelines.assistant.quoting import Quoting
from pipelines.features.preprocessing import FloatArray
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.recognition.matching import Finding, KnownThing
from pipelines.recognition.pipeline_output import Places
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.recognition.regions import WHOLE
from pipelines.resolver import resolve
from tests.bench.assistant_questions import FACTS, names_said

QUERIES = 2  # photos asked about, of each subject
OF_A_CARD = 3  # facts
WAYS = ("none", "oracle", "plain", "ours")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A photo that is asked about: whose it is (None: nobody enrolled), and what each way of retrieval finds in it."""

    card: int | None
    picture: Image.Image
    spots: dict[str, tuple[Spot, ...]]


def main() -> None:
    """Run what the arguments name and print tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, help="folder with a folder of photos for each subject")
    parser.add_argument("--facts", action="store_true", help="measure the threshold of facts only")
    parser.add_argument("--language", type=int, default=0, help="questions that the small language model words alone")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    finder = FactFinder(Remembering(MiniLMTextEncoder(resolve("minilm"))), load_thresholds())
    figures: dict[str, Any] = {"facts": fact_threshold(finder)}
    print_rows("Facts: is the right one of four found, and is a question without an answer refused?", figures["facts"])
    if given.photos and not given.facts:
        cards, shown = look(given.photos)
        figures["table"] = table(cards, shown, finder)
        print_rows("Answers by the way of retrieval", figures["table"])
        if given.language:
            figures["language"] = language_alone(cards, given.language)
            print_rows("The small language model alone, with the right card in its prompt", [figures["language"]])
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False), encoding="utf-8")


class Remembering:
    """An encoder that encodes no text twice."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, FloatArray] = {}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """See `SentenceEncoder.embed`."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._encoder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def fact_threshold(finder: FactFinder) -> list[dict[str, Any]]:
    """Measure the finding of facts on both halves of the topics.

    The threshold was chosen while looking at all of them together: neither half is held out.
    """
    return [{"half": half, **_half(finder, half)} for half in ("even", "odd")]


def _half(finder: FactFinder, half: str) -> dict[str, float]:
    rng = random.Random(0)
    topics = list(range(0 if half == "even" else 1, len(FACTS), 2))
    asked = [(topic, question.format(name="Bo")) for topic in topics for question in FACTS[topic][1:]]
    first, right, refused = [], [], []
    unknown: list[float] = []
    for topic, question in asked * 10:
        others = rng.sample([one for one in topics if one != topic], 4)
        card = [topic, *others[:3]]
        scores = finder.relevance(question, [FACTS[one][0] for one in card], ["Bo"])
        first.append(int(np.argmax(scores)) == 0)
        right.append(first[-1] and float(scores[0]) >= finder.thresholds.answers)
        missing = finder.relevance(question, [FACTS[one][0] for one in others], ["Bo"])
        unknown.append(float(missing.max()))
        refused.append(unknown[-1] < finder.thresholds.answers)
    return {
        "first": _mean(first),
        "answered rightly": _mean(right),
        "unknown refused": _mean(refused),
        "5% false at": round(float(np.quantile(unknown, 0.95)), 3),
    }


def look(folder: Path) -> tuple[tuple[Card, ...], list[Shown]]:
    """Enrol two thirds of the subjects with one photo each, and look at photos of all."""
    subjects = sorted(one.name for one in folder.iterdir() if one.is_dir() and any(one.glob("*.jpg")))
    known = [name for at, name in enumerate(subjects) if at % 3]
    pipeline = RecognitionPipeline.from_files(resolve, threads=2)
    photos = {name: sorted((folder / name).glob("*.jpg")) for name in subjects}
    things = [
        KnownThing(looks=pipeline.remember(_opened(photos[name][0])), not_looks=pipeline.nothing()) for name in known
    ]
    shown = []
    for name in subjects:
        for file in photos[name][1 : 1 + QUERIES]:
            picture = _opened(file)
            places = pipeline.places(picture)
            card = known.index(name) if name in known else None
            shown.append(Shown(card=card, picture=picture, spots=_spots(pipeline, places, things, card)))
    return tuple(_card(name, at) for at, name in enumerate(known)), shown


def _spots(
    pipeline: RecognitionPipeline, places: Places, things: Sequence[KnownThing], card: int | None
) -> dict[str, tuple[Spot, ...]]:
    scores = pipeline.matcher.scores(places.looks, things)
    nearest = int(scores.max(axis=0).argmax())
    found = pipeline.decide(places, things)
    return {
        "none": (),
        "oracle": (Spot(box=WHOLE, card=card, sureness="sure"),),
        "plain": (Spot(box=WHOLE, card=nearest, sureness="sure"),),
        "ours": tuple(_spot(places, one) for one in found),
    }


def _spot(places: Places, found: Finding) -> Spot:
    return Spot(box=places.boxes[found.region], card=found.known, sureness="sure")


def _card(name: str, at: int) -> Card:
    words = " ".join(part.capitalize() for part in name.split("_"))
    topics = [(at * OF_A_CARD + step) % len(FACTS) for step in range(OF_A_CARD)]
    facts = tuple(CardFact(id=f"{at}/{topic}", text=FACTS[topic][0]) for topic in topics)
    return Card(name=words, kind="thing", facts=facts)


def table(cards: Sequence[Card], shown: Sequence[Shown], finder: FactFinder) -> list[dict[str, Any]]:
    """Ask all questions with each way of retrieval."""
    assistant = AssistantPipeline(Quoting(finder), None)
    return [{"retrieval": way, **_asked(assistant, cards, shown, way)} for way in WAYS]


def _asked(assistant: AssistantPipeline, cards: Sequence[Card], shown: Sequence[Shown], way: str) -> dict[str, float]:
    named, wrong, false, facts, invented = [], [], [], [], []
    for one in shown:
        spots = one.spots[way]
        meant = {spot.card for spot in spots if spot.card is not None}
        text = assistant(_briefing("Who is this?", cards, meant, one, spots), _nobody).text
        said = set(names_said(text, [card.name for card in cards]))
        if one.card is None:
            false.append(bool(said))
            answer = assistant(_briefing("What is it afraid of?", cards, meant, one, spots), _nobody)
            invented.append(bool(answer.facts) and "don’t know" not in answer.text and "not sure" not in answer.text)
            continue
        named.append(one.card in said)
        wrong.append(bool(said - {one.card}))
        for fact in cards[one.card].facts:
            question = FACTS[int(fact.id.split("/")[1])][1].format(name="it")
            answer = assistant(_briefing(question, cards, meant, one, spots), _nobody)
            facts.append(answer.facts == (fact.id,))
    return {
        "named": _mean(named),
        "wrong name": _mean(wrong),
        "unknown named": _mean(false),
        "its fact": _mean(facts),
        "fact of another": _mean(invented),
    }


def _briefing(
    question: str, cards: Sequence[Card], meant: set[int | None], one: Shown, spots: tuple[Spot, ...]
) -> Briefing:
    # without retrieval there are no cards at all
    given = tuple(replace(card, meant=at in meant) for at, card in enumerate(cards)) if spots else ()
    return Briefing(question=question, cards=given, spots=spots, picture=one.picture)


def language_alone(cards: Sequence[Card], count: int) -> dict[str, Any]:
    """Let the small model answer by itself: half of the questions have their answer in the prompt, half have none."""
    from pipelines.assistant.chat_transformers import TextChat

    began = time.perf_counter()
    chat = TextChat.from_gguf(resolve("smollm2"), "smollm2")
    loading = time.perf_counter() - began
    right, refused, firsts, tokens, seconds = [], [], [], 0, 0.0
    for number in range(count):
        card = replace(cards[number // 2 % len(cards)], meant=True)
        topics = [int(fact.id.split("/")[1]) for fact in card.facts]
        known = number % 2 == 0
        topic = topics[0] if known else next(one for one in range(number, 99) if one % len(FACTS) not in topics)
        question = FACTS[topic % len(FACTS)][1].format(name=card.name)
        prompt = build_prompt(Briefing(question=question, cards=(card,)), sees=False)
        began = time.perf_counter()
        pieces: list[str] = []
        for piece in chat.stream(prompt, 24):
            if piece and not pieces:
                firsts.append(time.perf_counter() - began)
            pieces += [piece] if piece else []
        seconds += time.perf_counter() - began
        text = "".join(pieces)
        tokens += len(chat.tokenizer(text)["input_ids"])
        if known:
            right.append(FACTS[topic][0] in text or f"[F{topics.index(topic) + 1}]" in text)
        else:
            refused.append(any(words in text.casefold() for words in ("not know", "don't know", "no information")))
        print(f"  {question}  →  {text!r}")
    return {
        "answered rightly": _mean(right),
        "unknown refused": _mean(refused),
        "loading s": round(loading, 1),
        "first word s": round(float(np.median(firsts)), 2) if firsts else None,
        "tokens a second": round(tokens / seconds, 1),
    }


def print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print a table."""
    head = list(rows[0])
    cells = [head, *[[f"{row[key]}" for key in head] for row in rows]]
    widths = [max(len(line[at]) for line in cells) for at in range(len(head))]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _mean(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 3) if values else float("nan")


def _opened(file: Path) -> Image.Image:
    with Image.open(file) as photo:
        return photo.convert("RGB")


def _nobody(_: str) -> None:
    """Hear nothing."""


if __name__ == "__main__":
    main()
