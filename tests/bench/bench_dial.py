"""Whether the dial "this picture ↔ my taste" goes from the one to the other, and what a long history costs.

    python -m tests.bench.bench_dial --data DIR --cache DIR [--people 8] [--references 6] [--photos FILE …] [--out FILE]

The people are those of `bench_taste`, of the test split. References are drawings of the test split that no history
holds and that the judge does not know, each of another style and main colour than the ones before as far as there are
some, and photos that are named. Every person draws the same prompts at the same seeds like every reference, at five
positions of the dial; of three ways the one is shown whose preference is greatest, as in the studio.

Colours apart: distance of the colours of what is opaque to those of the reference (of a photo, its subject), a sliced
Wasserstein distance in CIELAB. Look: cosine ×100 of CLIP features, which nothing here is chosen by. Likeness: cosine
×100 in the features that the choice goes by. Liked: probability ×100 that the person likes it by their own scorer.
Judge: what the independent judge of `bench_taste` makes of it, who knows the person by other pictures in CLIP features,
×100; 0 is what they think of any picture. ± are standard errors over people of the difference to the position before.

Cost: of histories of so many events, seconds to learn from them, to choose three ways beside a reference and to judge
three pictures, and the peak of what Python and NumPy hold meanwhile; a choice stands on at most
`pipelines.pigeon.evidence.MOST` rows.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipelines.features.image_encoders import load_image_encoder
from pipelines.lab import to_lab
from pipelines.matting import Matting
from pipelines.mini.loading import load_pipeline
from pipelines.mini.prompts import held_out_prompts
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.people import DAY, DAYS, history, people
from pipelines.pigeon.pipeline_taste import TastePipeline
from pipelines.pigeon.reference import Beside, Reference, subject_of
from pipelines.resolver import resolve
from studio.domain.taste import Amount, TasteVariant
from studio.domain.taste_words import in_palette, in_taste
from tests.bench.bench_taste import (
    ERROR,
    POOL,
    RECOLOURS,
    TRIES,
    Attempt,
    Bench,
    Judge,
    Known,
    judge_of,
    meet,
    printed,
)
from tests.bench.taste_sheet import taste_sheet

DIAL = (0.0, 0.25, 0.5, 0.75, 1.0)
_DIRECTIONS, _QUANTILES, _EDGE = 32, 64, 64
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Referred:
    """A reference of the bench: the picture itself, what is seen of it, and what the judge's features see of it."""

    picture: Image.Image
    reference: Reference
    seen: np.ndarray


def colour_distance(one: Image.Image, other: Image.Image) -> float:
    """Return how far the colours of what is opaque in two pictures lie apart, in CIELAB, by sliced Wasserstein."""
    angles = np.random.default_rng(0).normal(size=(_DIRECTIONS, 3))
    directions = angles / np.linalg.norm(angles, axis=1, keepdims=True)
    at = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    ends = [np.quantile(_colours(picture) @ directions.T, at, axis=0) for picture in (one, other)]
    # a mean over directions sees a third of a distance in three dimensions
    return float(np.sqrt(3 * ((ends[0] - ends[1]) ** 2).mean()))


def _colours(picture: Image.Image) -> np.ndarray:
    small = np.asarray(picture.convert("RGBa").resize((_EDGE, _EDGE), Image.Resampling.BOX).convert("RGBA"))
    seen = small[small[..., 3] > 127][:, :3]
    return to_lab(seen if len(seen) else small[..., :3].reshape(-1, 3))


def choose_references(bench: Bench, places: np.ndarray, count: int) -> list[Image.Image]:
    """Return drawings that differ in style and main colour as far as there are such, in the order of `places`."""
    chosen: list[int] = []
    for fresh in (2, 1, 0):  # of style and colour, how many have to be new
        for place in map(int, places):
            one = bench.corpus.pictures[place]
            known = [bench.corpus.pictures[other] for other in chosen]
            new = (one.style not in {k.style for k in known}) + (one.colour not in {k.colour for k in known})
            if place not in chosen and new >= fresh and len(chosen) < count:
                chosen.append(place)
    return [bench.corpus.image(place) for place in chosen]


def refer(bench: Bench, pictures: Sequence[Image.Image], matting: Matting) -> list[Referred]:
    """Look at references."""
    shown = [subject_of(picture, matting) for picture in pictures]
    seen = bench.clip.embed(shown)
    return [
        Referred(picture=one, reference=bench.taste.reference(picture), seen=look)
        for one, picture, look in zip(shown, pictures, seen, strict=True)
    ]


def attempts(bench: Bench, known: Known, beside: Beside, caption: str, seed: int) -> list[Attempt]:
    """Return the ways that a prompt is drawn in."""
    found = known.interests
    ways = bench.taste.variants(known.scorer, found.centres.tolist(), found.shares.tolist(), TRIES, beside=beside)
    told = []
    for way in ways:
        variant = TasteVariant(style=way.style, colour=way.colour, palette=way.palette)
        prompt = in_taste(caption, variant, Amount.CLEAR, mentions=False, palettes=True)
        told.append(Attempt(prompt, seed, palette=in_palette(caption, variant, Amount.CLEAR, mentions=False)))
    return told


def best(bench: Bench, known: Known, beside: Beside, some: Sequence[Attempt]) -> Attempt:
    """Return the attempt that is preferred at this position of the dial."""
    features = PictureFeatures.joined([bench.features[one] for one in some])
    likeness = beside.likeness(bench.taste.points(features), bench.taste.settings)
    return some[int(beside.preference(known.scorer.score(features).logit, likeness).argmax())]


def measured(
    bench: Bench, known: Known, judge: tuple[Judge, int], referred: Referred, shown: Sequence[Attempt]
) -> dict:
    """Return the figures of the pictures that one person gets like one reference, each a mean over prompts."""
    features = PictureFeatures.joined([bench.features[one] for one in shown])
    looks = bench.look(shown)
    beside = Beside(referred.reference, 0.0)
    apart = [colour_distance(bench.drawn[one], referred.picture) for one in shown]
    return {
        "colours apart": float(np.mean(apart)),
        "look": 100 * float((looks @ referred.seen).mean()),
        "likeness": 100 * float(beside.likeness(bench.taste.points(features), bench.taste.settings).mean()),
        "liked": 100 * float(known.scorer.score(features).probability.mean()),
        "judge": 100 * float(judge[0].fits(looks)[:, judge[1]].mean()),
    }


def dial_table(
    bench: Bench, crowd: Sequence[Known], judge: Judge, referred: Sequence[Referred], captions: Sequence[str]
) -> tuple[dict[str, dict[str, float]], dict[tuple[int, int, float], list[Attempt]]]:
    """Return the table, and what was shown to each person for each reference and position."""
    shown: dict[tuple[int, int, float], list[Attempt]] = {}
    figures: dict[float, list[list[dict]]] = {}
    for ratio in DIAL:
        figures[ratio] = []
        for number, known in enumerate(crowd):
            by_reference = []
            for place, one in enumerate(referred):
                beside = Beside(one.reference, ratio)
                some = [attempts(bench, known, beside, caption, seed) for seed, caption in enumerate(captions)]
                bench.draw([attempt for ways in some for attempt in ways])
                pictures = [best(bench, known, beside, ways) for ways in some]
                shown[number, place, ratio] = pictures
                by_reference.append(measured(bench, known, (judge, number), one, pictures))
            figures[ratio].append(by_reference)
        logger.info("position %s is drawn", ratio)
    names = figures[0.0][0][0].keys()
    values = {
        name: np.array([[[one[name] for one in person] for person in figures[ratio]] for ratio in DIAL])
        for name in names
    }
    return {f"{ratio:g}": _row(values, place) for place, ratio in enumerate(DIAL)} | _steps(values), shown


def _row(values: dict[str, np.ndarray], place: int) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, all_of_them in values.items():
        row[name] = round(float(all_of_them[place].mean()), 1)
        if place:
            by_person = (all_of_them[place] - all_of_them[place - 1]).mean(axis=1)
            row[ERROR + name] = round(float(by_person.std(ddof=1) / np.sqrt(len(by_person))), 1)
    return row


def _steps(values: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return of how many of all pairs of a person and a reference the end lies on the right side of the beginning."""
    falls = {name: 1 if name in ("colours apart", "liked", "judge") else -1 for name in values}
    return {
        "% of pairs that go so from 0 to 1": {
            name: round(100 * float((falls[name] * (values[name][-1] - values[name][0]) >= 0).mean()), 1)
            for name in values
        }
    }


def cost_table(bench: Bench, reference: Reference, lengths: Sequence[int] = (10, 100, 1000, 10_000)) -> dict:
    """Return what histories of so many events cost."""
    places = bench.corpus.of_split("test")
    described = [bench.corpus.pictures[place] for place in places]
    features = bench.corpus.features[places]
    person = next(people("test", 1, described))
    beside = Beside(reference, 0.5)
    assert len(bench.taste.sample_features)  # what is tried is looked at once, whoever asks
    table = {}
    for length in lengths:
        events = history(person, described, length)
        tracemalloc.start()
        began = time.monotonic()
        taste = bench.taste.learn(features, events, now=DAYS * DAY)
        learned, learning = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        began = time.monotonic()
        found = taste.interests
        centres, shares = (found.centres.tolist(), found.shares.tolist()) if found else ([], [])
        bench.taste.variants(taste.scorer, centres, shares, TRIES, beside=beside)
        chosen = time.monotonic() - began
        began = time.monotonic()
        taste.scorer.score(features[:TRIES])
        judged, drawing = time.monotonic() - began, tracemalloc.get_traced_memory()[1] - held
        tracemalloc.stop()
        table[f"{length:,} events"] = {
            "rows": len(taste.evidence.rows),
            "learning s": round(learned, 3), "learning MB": round(learning / 2**20, 1),
            "choosing s": round(chosen, 3), "judging s": round(judged, 3), "both MB": round(drawing / 2**20, 1),
        }  # fmt: skip
    return table


def sheet_of(bench: Bench, shown: dict, referred: Sequence[Referred], person: int, prompts: int) -> Image.Image:
    """Return a row for each reference: it, and what one person gets at every position."""
    columns = {"like": [[one.picture for _ in range(1)] for one in referred]}
    for ratio in DIAL:
        columns[f"{ratio:g}"] = [
            [bench.drawn[one] for one in shown[person, place, ratio][:prompts]] for place in range(len(referred))
        ]
    return taste_sheet(columns)


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--references", type=int, default=6, help="drawings of the test split")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="further references")
    parser.add_argument("--prompts", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sheets", type=Path, help="folder for a sheet of each person")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, arguments.cache)
    pipeline = load_pipeline(resolve("mini"), resolve("minilm"))
    pipeline.set_progress_bar_config(disable=True)
    matting = Matting(resolve("u2netp"))
    bench = Bench(corpus, pipeline, TastePipeline(extractor, TasteSettings.read(), pipeline.library, lambda: matting))
    crowd, unseen = meet(bench, arguments.people)
    photos = [Image.open(file).convert("RGB") for file in arguments.photos]
    known, left = unseen[: POOL // 2], unseen[POOL // 2 :]
    referred = refer(bench, [*choose_references(bench, left, arguments.references), *photos], matting)
    print(printed(costs := cost_table(bench, referred[0].reference)))
    recolours = TasteCorpus.open(
        arguments.data, extractor, arguments.cache, part="recolours", most=RECOLOURS, split="test"
    )
    pictures = [(corpus, int(place)) for place in known] + [(recolours, place) for place in range(len(recolours))]
    captions = list(dict.fromkeys(one.caption for one in held_out_prompts() if one.kind == "concepts"))
    judge = judge_of(bench, crowd, pictures)
    table, shown = dial_table(bench, crowd, judge, referred, captions[: arguments.prompts])
    print(printed(table))
    if arguments.sheets:
        arguments.sheets.mkdir(parents=True, exist_ok=True)
        for person in range(len(crowd)):
            sheet_of(bench, shown, referred, person, 2).save(arguments.sheets / f"{person}.png")
    if arguments.out:
        arguments.out.write_text(json.dumps({"dial": table, "cost": costs, "judge": judge.area}, indent=1) + "\n")


if __name__ == "__main__":
    main()
