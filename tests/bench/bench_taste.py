"""Whether pictures in somebody's taste are recognisably theirs, and how well a taste predicts what they like.

    python -m tests.bench.bench_taste --data DIR --cache DIR [--people 10] [--prompts 4] [--out FILE.json]

People are synthetic (`pipelines.pigeon.people`), of the test split: neither they nor the pictures of their histories
were there when the prior was learned, and the prompts name what is in no history. Every row draws the same prompts at
the same seeds; only the words that a row adds to the prompt differ. "+ best of n" draws n ways (n seeds where a row
adds nothing) and takes the one that the person's scorer prefers; every row gets it.

Attribution: of the pictures that a row drew for this person and for another one, an independent judge picks this
person's. The judge sees CLIP features, which no scorer uses, and knows the person by pictures that no history holds.
Even is 50 %.
History: mean cosine ×100 to the five nearest liked pictures of the history (TinyViT, which the scorer uses too).
Text: cosine ×100 of the text-image model to the prompt without any words added. Diversity: 1 − mean cosine ×100 (CLIP)
of a person's pictures of different prompts. Seconds: for one picture that is shown, all attempts and features included.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.features.image_encoders import load_image_encoder
from pipelines.mini.loading import load_pipeline
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.prompts import held_out_prompts
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.interests import Interests, find_interests
from pipelines.pigeon.people import DAY, DAYS, Described, Person, history, people
from pipelines.pigeon.pipeline_taste import TastePipeline
from pipelines.pigeon.prior import pupils
from pipelines.pigeon.scorer import TasteScorer
from pipelines.resolver import resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from studio.domain.taste import Amount, TasteVariant
from studio.domain.taste_words import in_taste

STEPS, GUIDANCE = 4, 3.0
EVENTS = 96  # of a history
TRIES = 3
POOL = 120  # pictures that the judge may know people by
_NEAREST = 5
logger = logging.getLogger(__name__)


def attribution(fits: np.ndarray) -> float:
    """Return how often a person's own picture fits them better than another person's, ties counting a half.

    Args:
        fits: of the picture drawn for person v, by the judge who knows person u, for each prompt [U, V, prompts].
    """
    count = len(fits)
    own = fits[np.arange(count), np.arange(count)]
    wins = [
        np.mean((own[one] > fits[one, other]) + 0.5 * (own[one] == fits[one, other]))
        for one in range(count)
        for other in range(count)
        if one != other
    ]
    return float(np.mean(wins))


def calibration_error(chance: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of promised and true shares over tenths."""
    places = np.clip((chance * bins).astype(int), 0, bins - 1)
    return float(
        sum(
            abs(chance[places == place].mean() - truth[places == place].mean()) * (places == place).mean()
            for place in range(bins)
            if (places == place).any()
        )
    )


def area_under_curve(chance: np.ndarray, likes: np.ndarray) -> float:
    """Return how often a picture that is rather liked is ranked above one that is not."""
    liked, others = chance[likes > 0.5], chance[likes <= 0.5]
    if not len(liked) or not len(others):
        return float("nan")
    above = (liked[:, None] > others[None]) + 0.5 * (liked[:, None] == others[None])
    return float(above.mean())


@dataclass(frozen=True, eq=False)
class Known:
    """A test person as the rows know them.

    Attributes:
        person: who.
        scorer: learned from the history, filtered.
        liked: features of what the history likes.
        interests: over those.
        raw: scorer learned without the filters, and what it thinks is liked.
        single: one interest only.
        disliked: features of what the history skips.
    """

    person: Person
    scorer: TasteScorer
    liked: PictureFeatures
    disliked: PictureFeatures
    interests: Interests
    single: Interests
    raw: tuple[TasteScorer, Interests]


class Bench:
    """Draws once for every prompt and seed, and measures.

    Args:
        corpus: see `TasteCorpus`.
        pipeline: the base.
        taste: samples and the prior.
        find: resolver.
    """

    def __init__(self, corpus: TasteCorpus, pipeline: MiniPipeline, taste: TastePipeline) -> None:
        self.corpus, self.pipeline, self.taste = corpus, pipeline, taste
        self.clip = load_image_encoder("clip-vision", resolve("clip-vision"))
        self.textimage = load_text_image(load_config(DEFAULT_CONFIG))
        self.drawn: dict[tuple[str, int], Image.Image] = {}
        self.features: dict[tuple[str, int], PictureFeatures] = {}
        self.seen: dict[tuple[str, int], np.ndarray] = {}
        self.seconds: list[float] = []

    def know(self, person: Person, described: Sequence[Described], places: np.ndarray) -> Known:
        """Learn a person from a noisy history."""
        features = self.corpus.features[places]
        events = history(person, described, EVENTS)
        evidence = gather(events, now=DAYS * DAY)
        raw = gather(events, now=DAYS * DAY, filtered=False)
        learned = [TasteScorer.learn(features, one, self.taste.settings) for one in (evidence, raw)]
        liked, raw_liked = (np.array(one.liked) for one in (evidence, raw))
        points, raw_points = (embeddings(features[some], learned[0]) for some in (liked, raw_liked))
        ones = [np.ones(len(some), np.float32) for some in (points, raw_points)]
        disliked = np.array([row.picture for row in evidence.rows if not row.liked and row.other is None], int)
        return Known(
            person=person,
            scorer=learned[0],
            liked=features[liked],
            disliked=features[disliked],
            interests=find_interests(points, ones[0]),
            single=find_interests(points, ones[0], most=1),
            raw=(learned[1], find_interests(raw_points, ones[1])),
        )

    def draw(self, asked: Sequence[tuple[str, int]]) -> None:
        """Draw and measure what was not drawn before."""
        missing = [one for one in dict.fromkeys(asked) if one not in self.drawn]
        for start in range(0, len(missing), 8):
            some = missing[start : start + 8]
            began = time.monotonic()
            images = self.pipeline(
                [prompt for prompt, _ in some], num_inference_steps=STEPS, guidance_scale=GUIDANCE,
                seeds=[seed for _, seed in some], upscale=False,
            ).images  # fmt: skip
            features = self.taste.features(images)
            self.seconds += [(time.monotonic() - began) / len(some)] * len(some)
            for place, one in enumerate(some):
                self.drawn[one], self.features[one] = images[place], features[[place]]
            logger.info("drawn %d", len(self.drawn))

    def both(self, tinyvit: np.ndarray, clip: np.ndarray) -> np.ndarray:
        """Return what the text-image model makes of features that are there already."""
        known = {"tinyvit": tinyvit, "clip-vision": clip}
        names = self.textimage.heads.config.image_features
        return self.textimage.project_features([known[name].astype(np.float32) for name in names])

    def look(self, asked: Sequence[tuple[str, int]]) -> np.ndarray:
        """Return what the judge sees in pictures, [N, D]."""
        for one in asked:
            if one not in self.seen:
                self.seen[one] = self.clip.embed([self.drawn[one]])[0]
        return np.stack([self.seen[one] for one in asked])


def ways_by_taste(bench: Bench, scorer: TasteScorer, found: Interests) -> list[TasteVariant]:
    """Return the ways of drawing that the scorer expects most of, dealt out to the interests."""
    ways = bench.taste.variants(scorer, found.centres.tolist(), found.shares.tolist(), TRIES)
    return [TasteVariant(style=way.style, colour=way.colour) for way in ways]


def ways_by_keywords(bench: Bench, known: Known) -> list[TasteVariant]:
    """Return words for what liked pictures have more of than the others, as ViPer does: no scorer, no looks."""
    standard = known.scorer.standardised
    more = standard(known.liked.attributes).mean(axis=0) - (
        standard(known.disliked.attributes).mean(axis=0) if len(known.disliked) else 0
    )
    entries = bench.taste.samples[0]
    values = standard(bench.taste.sample_features.attributes)
    first = len(ATTRIBUTE_NAMES) - 12
    styles = {entry.style: np.zeros(first) for entry in entries}
    for style in styles:
        styles[style] = values[[place for place, one in enumerate(entries) if one.style == style]].mean(axis=0)[:first]
    centre = np.mean([*styles.values()], axis=0)
    order = sorted(styles, key=lambda style: -float((styles[style] - centre) @ more[:first]))
    colours = [ATTRIBUTE_NAMES[first + place] for place in np.argsort(-more[first:])]
    return [TasteVariant(style=order[n % 2], colour=colours[n // 2]) for n in range(TRIES)]


def ways_by_mean(bench: Bench, known: Known) -> list[TasteVariant]:
    """Return the ways whose samples look most like the mean of all liked pictures."""
    mean = known.liked.looks.mean(axis=0)
    entries = bench.taste.samples[0]
    alike = bench.taste.sample_features.looks @ mean
    ways = {(one.style, one.colour) for one in entries if one.colour}
    worth = {
        way: float(np.mean([alike[p] for p, one in enumerate(entries) if (one.style, one.colour) == way]))
        for way in ways
    }
    best = sorted(worth, key=lambda way: -worth[way])[:TRIES]
    return [TasteVariant(style=style, colour=colour) for style, colour in best]


def judges(bench: Bench, crowd: Sequence[Known], unseen: np.ndarray) -> np.ndarray:
    """Return the direction in CLIP features in which each person's taste lies, from pictures nobody's history holds."""
    looks = bench.clip.embed([bench.corpus.image(int(place)) for place in unseen])
    centred = looks - looks.mean(axis=0)
    likes = np.array([[one.person.likes(bench.corpus.pictures[place]) for place in unseen] for one in crowd])
    ridge = centred.T @ centred + 0.5 * np.eye(looks.shape[1])
    directions: np.ndarray = np.linalg.solve(ridge, centred.T @ (likes - likes.mean(axis=1, keepdims=True)).T).T
    return directions


Ways = Callable[[int], list[TasteVariant]]


def rows_of(bench: Bench, crowd: Sequence[Known]) -> dict[str, tuple[Ways, Callable[[int], TasteScorer]]]:
    """Return for every row what it adds to prompts for each person, and whose scorer chooses among its attempts."""
    count = len(crowd)

    def other(number: int) -> Known:
        return crowd[(number + count // 2) % count]

    def own(number: int) -> TasteScorer:
        return crowd[number].scorer

    return {
        "no taste": (lambda number: [], own),
        "mismatched person": (
            lambda number: ways_by_taste(bench, other(number).scorer, other(number).interests),
            lambda number: other(number).scorer,
        ),
        "text keywords": (lambda number: ways_by_keywords(bench, crowd[number]), own),
        "mean style embedding": (lambda number: ways_by_mean(bench, crowd[number]), own),
        "ours": (lambda number: ways_by_taste(bench, crowd[number].scorer, crowd[number].interests), own),
        "ours, no denoise": (
            lambda number: ways_by_taste(bench, *crowd[number].raw),
            lambda number: crowd[number].raw[0],
        ),
        "ours, single interest": (
            lambda number: ways_by_taste(bench, crowd[number].scorer, crowd[number].single),
            own,
        ),
    }


def measure(
    bench: Bench,
    crowd: Sequence[Known],
    shown: list[list[tuple[str, int]]],
    directions: np.ndarray,
    captions: Sequence[str],
) -> dict[str, float]:
    """Return a row's figures for the pictures shown, [people][prompts]."""
    looks = np.stack([bench.look(pictures) for pictures in shown])
    fits = np.einsum("ud,vpd->uvp", directions, looks)
    nearest, alike, text = [], [], []
    words = bench.textimage.embed_texts(list(captions))
    for number, pictures in enumerate(shown):
        features = PictureFeatures.joined([bench.features[one] for one in pictures])
        cosines = np.sort(features.looks @ crowd[number].liked.looks.T, axis=1)[:, -_NEAREST:]
        nearest.append(cosines.mean())
        pairs = looks[number] @ looks[number].T
        alike.append(pairs[~np.eye(len(pairs), dtype=bool)].mean())
        seen = bench.both(features.looks, looks[number])
        text.append(float((seen * words).sum(axis=1).mean()))
    return {
        "attribution": round(100 * attribution(fits), 1),
        "history": round(100 * float(np.mean(nearest)), 1),
        "text": round(100 * float(np.mean(text)), 1),
        "diversity": round(100 * (1 - float(np.mean(alike))), 1),
    }


def run(bench: Bench, count: int, prompts: int) -> dict[str, dict[str, float]]:
    """Return the table."""
    places = bench.corpus.of_split("test")
    held = np.random.default_rng(5).permutation(places)
    unseen, places = held[:POOL], np.sort(held[POOL:])
    described = [bench.corpus.pictures[place] for place in places]
    crowd = [bench.know(person, described, places) for person in people("test", count, described)]
    directions = judges(bench, crowd, unseen)
    captions = list(dict.fromkeys(one.caption for one in held_out_prompts() if one.kind == "concepts"))[:prompts]
    table: dict[str, dict[str, float]] = {}
    for name, (ways, chooser) in rows_of(bench, crowd).items():
        attempts = [
            [_attempts(caption, place, ways(number)) for place, caption in enumerate(captions)]
            for number in range(count)
        ]
        bench.draw([one for person in attempts for prompt in person for one in prompt])
        best = [[_best(bench, chooser(number), prompt) for prompt in person] for number, person in enumerate(attempts)]
        for label, shown, tried in (
            (name, [[prompt[0] for prompt in person] for person in attempts], 1),
            (f"{name} + best of {TRIES}", best, TRIES),
        ):
            table[label] = measure(bench, crowd, shown, directions, captions)
            table[label]["seconds"] = round(tried * float(np.mean(bench.seconds)), 2)
            logger.info("%s %s", label, table[label])
    return table


def _attempts(caption: str, seed: int, ways: Sequence[TasteVariant]) -> list[tuple[str, int]]:
    if not ways:
        return [(caption, seed + 10_000 * number) for number in range(TRIES)]
    return [(in_taste(caption, way, Amount.CLEAR, mentions=False), seed) for way in ways]


def _best(bench: Bench, scorer: TasteScorer, attempts: Sequence[tuple[str, int]]) -> tuple[str, int]:
    features = PictureFeatures.joined([bench.features[one] for one in attempts])
    return attempts[int(scorer.score(features).logit.argmax())]


def scorer_table(corpus: TasteCorpus, settings: TasteSettings, count: int) -> dict[str, dict[str, float]]:
    """Return how well tastes predict, by how many reactions they were learned from."""
    table = {}
    for length in (8, 16, 32, 64, 128):
        chances, likes, areas = [], [], []
        for pupil in pupils(corpus, "test", count, (length,)):
            chance = TasteScorer.learn(pupil.features, pupil.evidence, settings).score(pupil.asked).probability
            chances.append(chance)
            likes.append(pupil.likes)
            areas.append(area_under_curve(chance, pupil.likes))
        table[f"{length} reactions"] = {
            "AUC": round(float(np.nanmean(areas)), 3),
            "calibration error": round(calibration_error(np.concatenate(chances), np.concatenate(likes)), 3),
        }
    return table


def printed(table: dict[str, dict[str, float]]) -> str:
    """Return a table in Markdown."""
    head = list(next(iter(table.values())))
    lines = [f"| | {' | '.join(head)} |", f"|{'---|' * (len(head) + 1)}"]
    return "\n".join(
        [*lines, *(f"| {name} | {' | '.join(str(row[h]) for h in head)} |" for name, row in table.items())]
    )


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, arguments.cache)
    settings = TasteSettings.read()
    predicted = scorer_table(corpus, settings, 3 * arguments.people)
    print(printed(predicted))
    pipeline = load_pipeline(resolve("mini"), resolve("minilm"))
    bench = Bench(corpus, pipeline, TastePipeline(extractor, settings, pipeline.library))
    drawn = run(bench, arguments.people, arguments.prompts)
    print(printed(drawn))
    if arguments.out:
        entry: dict[str, Any] = {"people": arguments.people, "prompts": arguments.prompts, "scorer": predicted}
        arguments.out.write_text(json.dumps({**entry, "drawn": drawn, "steps": STEPS}, indent=1) + "\n")


if __name__ == "__main__":
    main()
