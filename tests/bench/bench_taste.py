"""Whether pictures in somebody's taste are recognisably theirs, and how well a taste predicts what they like.

    python -m tests.bench.bench_taste --data DIR --cache DIR [--people 16] [--pigeon NAME=DIR] … [--out FILE.json]

People are synthetic (`pipelines.pigeon.people`), of the test split: neither they nor the pictures of their histories
were there when the prior was learned or the history encoder was trained, and the prompts name what is in no history.
Every row draws the same prompts at the same seeds; only the words that a row adds to the prompt, and the tokens that
the denoiser is told, differ. "+ best of n" draws n ways (n seeds where a row adds nothing) and takes the one that the
person's scorer prefers; every row gets it. "Pigeon" tells tokens alone, of one interest in each attempt.

Attribution: of the pictures that a row drew for this person and for another one, an independent judge picks this
person's. The judge sees CLIP features, which no scorer uses, and knows the person by pictures that no history holds;
how good it is itself is measured on such pictures that it does not know. Even is 50 %.
History: mean cosine ×100 to the five nearest liked pictures of the history (TinyViT, which the scorer uses too).
Reference: cosine ×100 (CLIP) to the plain picture of the same prompt and seed, whose meaning is to be kept.
Text: cosine ×100 of the text-image model to the prompt without any words added. Diversity: 1 − mean cosine ×100 (CLIP)
of a person's pictures of different prompts. Seconds: for one picture that is shown, all attempts and features included.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import time
import tracemalloc
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
from pipelines.pigeon.conditioning import Taste, TasteAttention
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.interests import Interests, allocate, find_interests
from pipelines.pigeon.people import DAY, DAYS, Described, Person, history, people
from pipelines.pigeon.pipeline_pigeon import TasteTokens, load_layers
from pipelines.pigeon.pipeline_taste import TastePipeline
from pipelines.pigeon.prior import pupils
from pipelines.pigeon.scorer import TasteScorer
from pipelines.resolver import resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from studio.domain.taste import Amount, TasteVariant
from studio.domain.taste_words import in_taste
from tests.bench.taste_sheet import taste_sheet

STEPS, GUIDANCE = 4, 3.0
EVENTS = 96  # of a history
BATCH = 8
TRIES = 3
POOL = 120  # pictures of the corpus that the judge may know people by
RECOLOURS = 240  # and so many of things in unusual colours
ERROR = "± "  # before the name of a figure: its standard error
_NEAREST = 5
logger = logging.getLogger(__name__)


def wins(fits: np.ndarray) -> np.ndarray:
    """Return how often each person's picture fits them better than each other's, ties counting a half [U, U].

    Args:
        fits: of the picture drawn for person v, by the judge who knows person u, for each prompt [U, V, prompts].
    """
    own = np.einsum("uup->up", fits)[:, None]
    shares: np.ndarray = ((own > fits) + 0.5 * (own == fits)).mean(axis=2)
    return shares


def left_out(shares: np.ndarray) -> tuple[float, float]:
    """Return the mean over pairs of different people [U, U], U > 2, and its standard error, the jackknife over them."""
    count = len(shares)
    apart = ~np.eye(count, dtype=bool)
    means = [_without(shares, person)[_without(apart, person)].mean() for person in range(count)]
    spread = float(np.sqrt((count - 1) * np.var(means)))
    return float(shares[apart].mean()), spread


def _without(shares: np.ndarray, person: int) -> np.ndarray:
    return np.delete(np.delete(shares, person, axis=0), person, axis=1)


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


PLAIN = TasteVariant(style="", colour="")


@dataclass(frozen=True)
class Attempt:
    """A picture to draw: what, at which seed, the name of the tokens that the denoiser is told; "": none; colours."""

    prompt: str
    seed: int
    told: str = ""
    palette: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """Name of the trained state that the tokens are of."""
        return self.told.partition("/")[0]


@dataclass(frozen=True)
class Way:
    """What a row adds to prompts: words for style and colour, and the name of tokens."""

    words: TasteVariant
    told: str = ""


@dataclass(frozen=True, eq=False)
class Stage:
    """A trained state: what makes tokens, and the layers that read them."""

    tokens: TasteTokens
    attention: TasteAttention

    @classmethod
    def read(cls, folder: Path, pipeline: MiniPipeline) -> Stage:
        """Read a folder that a training wrote."""
        return cls(TasteTokens.from_pretrained(folder), load_layers(folder, pipeline.unet))


@dataclass(frozen=True, eq=False)
class Known:
    """A test person as the rows know them.

    Attributes:
        person: who.
        scorer: learned from the history, filtered.
        liked: features of what the history likes.
        favourites: places in the corpus of what it likes, the strongest first.
        interests: over those.
        raw: scorer learned without the filters, and its interests.
        single: one interest only.
        disliked: features of what the history skips.
    """

    person: Person
    scorer: TasteScorer
    liked: PictureFeatures
    favourites: np.ndarray
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
        strength: of all tokens.
    """

    def __init__(
        self, corpus: TasteCorpus, pipeline: MiniPipeline, taste: TastePipeline, strength: float = 1.0
    ) -> None:
        self.corpus, self.pipeline, self.taste, self.strength = corpus, pipeline, taste, strength
        self.clip = load_image_encoder("clip-vision", resolve("clip-vision"))
        self.textimage = load_text_image(load_config(DEFAULT_CONFIG))
        self.stages: dict[str, Stage] = {}
        self.ablations: dict[str, Stage] = {}
        self.told: dict[str, torch.Tensor] = {}
        self.drawn: dict[Attempt, Image.Image] = {}
        self.features: dict[Attempt, PictureFeatures] = {}
        self.seen: dict[Attempt, np.ndarray] = {}
        self.seconds: dict[Attempt, float] = {}
        self.wins: dict[str, np.ndarray] = {}
        self.shown: dict[str, list[list[Attempt]]] = {}

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
            favourites=places[liked],
            disliked=features[disliked],
            interests=find_interests(points, ones[0]),
            single=find_interests(points, ones[0], most=1),
            raw=(learned[1], find_interests(raw_points, ones[1])),
        )

    def trained(self, stage: str) -> Stage:
        """Return a trained state by its name."""
        return self.stages[stage] if stage in self.stages else self.ablations[stage]

    def tell(self, stage: str, number: int, scorer: TasteScorer, found: Interests, interest: int) -> str:
        """Make the tokens of an interest, where they are not there yet, and return their name."""
        name = f"{stage}/{number}/{len(found)}/{interest}"
        if name not in self.told:
            told = self.trained(stage).tokens.of_scorer(scorer, (found.centres.tolist(), interest))
            self.told[name] = told
        return name

    def draw(self, asked: Sequence[Attempt]) -> None:
        """Draw and measure what was not drawn before."""
        missing = [one for one in dict.fromkeys(asked) if one not in self.drawn]
        # a batch is told by the layers of one stage, and drawn in one palette
        for stage, palette in dict.fromkeys((one.stage, one.palette) for one in missing):
            these = [one for one in missing if (one.stage, one.palette) == (stage, palette)]
            for start in range(0, len(these), BATCH):
                self._draw(these[start : start + BATCH], stage)
            logger.info("drawn %d", len(self.drawn))

    def _draw(self, some: Sequence[Attempt], stage: str) -> None:
        taste = None
        if stage:
            told = torch.cat([self.told[one.told] for one in some])
            taste = Taste(self.trained(stage).attention, told, strength=self.strength)
        began = time.monotonic()
        with torch.autocast("cpu", torch.bfloat16):
            images = self.pipeline(
                    [one.prompt for one in some], num_inference_steps=STEPS, guidance_scale=GUIDANCE,
                    seeds=[one.seed for one in some], upscale=False, taste=taste,
                    palette=some[0].palette,
                ).images  # fmt: skip
        features = self.taste.features(images)
        self.seconds |= dict.fromkeys(some, (time.monotonic() - began) / len(some))
        for place, one in enumerate(some):
            self.drawn[one], self.features[one] = images[place], features[[place]]

    def both(self, tinyvit: np.ndarray, clip: np.ndarray) -> np.ndarray:
        """Return what the text-image model makes of features that are there already."""
        known = {"tinyvit": tinyvit, "clip-vision": clip}
        names = self.textimage.heads.config.image_features
        return self.textimage.project_features([known[name].astype(np.float32) for name in names])

    def look(self, asked: Sequence[Attempt]) -> np.ndarray:
        """Return what the judge sees in pictures, [N, D]."""
        missing = [one for one in dict.fromkeys(asked) if one not in self.seen]
        if missing:
            self.seen |= dict(zip(missing, self.clip.embed([self.drawn[one] for one in missing]), strict=True))
        return np.stack([self.seen[one] for one in asked])


def ways_by_taste(bench: Bench, scorer: TasteScorer, found: Interests, stage: str = "", number: int = 0) -> list[Way]:
    """Return the ways of drawing that the scorer expects most of, dealt out to the interests.

    Args:
        bench: the bench.
        scorer: of the person.
        found: their interests.
        stage: tells the tokens of the interest too; "": words alone.
        number: of the person.
    """
    ways = bench.taste.variants(scorer, found.centres.tolist(), found.shares.tolist(), TRIES)
    return [
        Way(
            TasteVariant(style=way.style, colour=way.colour),
            bench.tell(stage, number, scorer, found, way.interest) if stage else "",
        )
        for way in ways
    ]


def ways_without_colours(ways: Sequence[Way], *, every: int = 1) -> list[Way]:
    """Return ways of which some leave the colours to the tokens: all, or from the second on every `every`-th."""
    return [
        dataclasses.replace(way, words=dataclasses.replace(way.words, colour="")) if (place + 1) % every == 0 else way
        for place, way in enumerate(ways)
    ]


def ways_by_tokens(bench: Bench, scorer: TasteScorer, found: Interests, stage: str, number: int) -> list[Way]:
    """Return ways without words: tokens of the interests, dealt out by their shares."""
    dealt = [one for one, count in enumerate(allocate(TRIES, found.shares)) for _ in range(count)]
    return [Way(PLAIN, bench.tell(stage, number, scorer, found, one)) for one in dealt]


def ways_by_keywords(bench: Bench, known: Known) -> list[Way]:
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
    return [Way(TasteVariant(style=order[n % 2], colour=colours[n // 2])) for n in range(TRIES)]


def ways_by_mean(bench: Bench, known: Known) -> list[Way]:
    """Return the ways whose samples look most like the mean of all liked pictures."""
    entries, looks = bench.taste.samples[0], bench.taste.sample_features.looks
    # Each less the mean of its kind, or the sample that looks most ordinary is like everything.
    alike = (looks - looks.mean(axis=0)) @ (known.liked.looks.mean(axis=0) - bench.corpus.features.looks.mean(axis=0))
    ways = {(one.style, one.colour) for one in entries if one.colour}
    worth = {
        way: float(np.mean([alike[p] for p, one in enumerate(entries) if (one.style, one.colour) == way]))
        for way in ways
    }
    best = sorted(worth, key=lambda way: -worth[way])[:TRIES]
    return [Way(TasteVariant(style=style, colour=colour)) for style, colour in best]


@dataclass(frozen=True, eq=False)
class Judge:
    """Kernel ridge regression in CLIP features, one column for each person: a taste of several interests has no mean.

    Attributes:
        known: what the pictures look like that it knows people by [n, D].
        dual: [n, U].
        width: of the kernel, in 1 − cosine.
        area: how often, of two pictures it does not know, it ranks the one above that is rather liked (by halves).
    """

    known: np.ndarray
    dual: np.ndarray
    width: float
    area: float

    def fits(self, looks: np.ndarray) -> np.ndarray:
        """Return how well pictures [..., D] fit each person [..., U]."""
        kernel: np.ndarray = np.exp((looks @ self.known.T - 1) / self.width)
        fits: np.ndarray = kernel @ self.dual
        return fits

    @classmethod
    def learn(cls, looks: np.ndarray, likes: np.ndarray) -> Judge:
        """Learn from what people think of pictures [n, U]; width and ridge by what ranks the unknown half best."""
        half = np.arange(len(looks)) % 2 == 0
        best = (-1.0, 0.0, 0.0)
        for width in (0.05, 0.1, 0.2, 0.4):
            for ridge in (0.03, 0.1, 0.3, 1.0):
                areas = []
                for mine in (half, ~half):
                    judge = cls(looks[mine], _dual(looks[mine], likes[mine], width, ridge), width, 0.0)
                    found = judge.fits(looks[~mine])
                    areas += [area_under_curve(found[:, one], likes[~mine, one]) for one in range(likes.shape[1])]
                best = max(best, (float(np.nanmean(areas)), width, ridge))
        area, width, ridge = best
        return cls(looks, _dual(looks, likes, width, ridge), width, area)


def _dual(looks: np.ndarray, likes: np.ndarray, width: float, ridge: float) -> np.ndarray:
    kernel = np.exp((looks @ looks.T - 1) / width)
    dual: np.ndarray = np.linalg.solve(kernel + ridge * np.eye(len(looks)), likes - likes.mean(axis=0))
    return dual


def judge_of(bench: Bench, crowd: Sequence[Known], pictures: Sequence[tuple[TasteCorpus, int]]) -> Judge:
    """Return who judges, having learned each person's taste from pictures nobody's history holds."""
    looks = bench.clip.embed([corpus.image(place) for corpus, place in pictures])
    likes = np.array([[one.person.likes(corpus.pictures[place]) for one in crowd] for corpus, place in pictures])
    judge = Judge.learn(looks, likes)
    logger.info("the judge ranks unknown pictures rightly in %.3f, width %.2f", judge.area, judge.width)
    return judge


Ways = Callable[[int], list[Way]]
STYLE, STYLE_TOKENS = "ours: style alone", "ours: style and tokens"
WORDS, ALL = "ours: style and colours", "ours: style, colours and tokens"
NO_DENOISE, SINGLE = "no denoise", "single interest"  # names of ablations that are told otherwise, too


def rows_of(bench: Bench, crowd: Sequence[Known]) -> dict[str, tuple[Ways, Callable[[int], TasteScorer]]]:
    """Return for every row what it adds to prompts for each person, and whose scorer chooses among its attempts."""
    count = len(crowd)
    last = next(reversed(bench.stages), "")

    def other(number: int) -> int:
        return (number + count // 2) % count

    def own(number: int) -> TasteScorer:
        return crowd[number].scorer

    def by_taste(stage: str, number: int) -> list[Way]:
        return ways_by_taste(bench, crowd[number].scorer, crowd[number].interests, stage, number)

    def by_tokens(stage: str) -> Ways:
        return lambda number: ways_by_tokens(bench, own(number), crowd[number].interests, stage, number)

    rows: dict[str, tuple[Ways, Callable[[int], TasteScorer]]] = {
        "no taste": (lambda number: [], own),
        "mismatched person": (
            lambda number: by_taste("", other(number)),
            lambda number: crowd[other(number)].scorer,
        ),
        "text keywords": (lambda number: ways_by_keywords(bench, crowd[number]), own),
        "mean style embedding": (lambda number: ways_by_mean(bench, crowd[number]), own),
    }
    rows |= {f"Pigeon, {stage}": (by_tokens(stage), own) for stage in bench.stages}
    rows[STYLE] = (lambda number: ways_without_colours(by_taste("", number)), own)
    if last:
        rows[STYLE_TOKENS] = (lambda number: ways_without_colours(by_taste(last, number)), own)
    rows[WORDS] = (lambda number: by_taste("", number), own)
    if last:
        rows[ALL] = (lambda number: ways_without_colours(by_taste(last, number), every=2), own)
    return rows | _ablations(bench, crowd)


def _ablations(bench: Bench, crowd: Sequence[Known]) -> dict[str, tuple[Ways, Callable[[int], TasteScorer]]]:
    """Return the rows of trained states that lack something, told as they were trained, and ours without it."""

    def known(name: str, number: int) -> tuple[TasteScorer, Interests]:
        one = crowd[number]
        if name == NO_DENOISE:
            return one.raw
        return one.scorer, one.single if name == SINGLE else one.interests

    def by_tokens(name: str) -> tuple[Ways, Callable[[int], TasteScorer]]:
        return (
            lambda number: ways_by_tokens(bench, *known(name, number), name, number),
            lambda number: known(name, number)[0],
        )

    return {f"Pigeon, {name}": by_tokens(name) for name in bench.ablations} | {
        f"ours, {NO_DENOISE}": (
            lambda number: ways_by_taste(bench, *crowd[number].raw),
            lambda number: crowd[number].raw[0],
        ),
        f"ours, {SINGLE}": (
            lambda number: ways_by_taste(bench, *known(SINGLE, number)),
            lambda number: crowd[number].scorer,
        ),
    }


def measure(
    bench: Bench,
    crowd: Sequence[Known],
    shown: list[list[Attempt]],
    judge: Judge,
    captions: Sequence[str],
) -> tuple[dict[str, float], np.ndarray]:
    """Return a row's figures for the pictures shown, [people][prompts], and who was told from whom, see `wins`."""
    looks = np.stack([bench.look(pictures) for pictures in shown])
    fits = np.moveaxis(judge.fits(looks), -1, 0)
    plainly = [Attempt(caption, place) for place, caption in enumerate(captions)]
    bench.draw(plainly)
    plain = bench.look(plainly)
    nearest, alike, text = [], [], []
    words = bench.textimage.embed_texts(list(captions))
    for number, pictures in enumerate(shown):
        features = PictureFeatures.joined([bench.features[one] for one in pictures])
        cosines = np.sort(features.looks @ crowd[number].liked.looks.T, axis=1)[:, -_NEAREST:]
        nearest.append(float(cosines.mean()))
        pairs = looks[number] @ looks[number].T
        alike.append(1 - float(pairs[~np.eye(len(pairs), dtype=bool)].mean()))
        seen = bench.both(features.looks, looks[number])
        text.append(float((seen * words).sum(axis=1).mean()))
    kept = (looks * plain[None]).sum(axis=2).mean(axis=1)
    told = wins(fits)
    by_person = {"history": nearest, "reference": kept, "text": text, "diversity": alike}
    figures = {"attribution": left_out(told)} | {
        name: (float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))
        for name, values in by_person.items()
    }
    rounded = {name: (round(100 * mean, 1), round(100 * error, 1)) for name, (mean, error) in figures.items()}
    flat = {name: mean for name, (mean, _) in rounded.items()}
    return flat | {f"{ERROR}{name}": error for name, (_, error) in rounded.items()}, told


def meet(bench: Bench, count: int) -> tuple[list[Known], np.ndarray]:
    """Return people, learned from histories, and the places of test pictures that none of their histories holds."""
    held = np.random.default_rng(5).permutation(bench.corpus.of_split("test"))
    unseen, places = held[:POOL], np.sort(held[POOL:])
    described = [bench.corpus.pictures[place] for place in places]
    return [bench.know(person, described, places) for person in people("test", count, described)], unseen


def run(
    bench: Bench,
    crowd: Sequence[Known],
    judge: Judge,
    prompts: int,
    wanted: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Return the table, of rows whose names hold one of the `wanted` texts where there are some."""
    count = len(crowd)
    captions = list(dict.fromkeys(one.caption for one in held_out_prompts() if one.kind == "concepts"))[:prompts]
    table: dict[str, dict[str, float]] = {}
    for name, (ways, chooser) in rows_of(bench, crowd).items():
        if wanted and not any(text in name for text in wanted):
            continue
        added = [ways(number) for number in range(count)]
        attempts = [[_attempts(caption, place, some) for place, caption in enumerate(captions)] for some in added]
        every = [one for person in attempts for prompt in person for one in prompt]
        bench.draw(every)
        seconds = float(np.mean([bench.seconds[one] for one in every]))
        best = [[_best(bench, chooser(number), prompt) for prompt in person] for number, person in enumerate(attempts)]
        for label, shown, tried in (
            (name, [[prompt[0] for prompt in person] for person in attempts], 1),
            (f"{name} + best of {TRIES}", best, TRIES),
        ):
            bench.shown[label] = shown
            table[label], bench.wins[label] = measure(bench, crowd, shown, judge, captions)
            table[label]["seconds"] = round(tried * seconds, 2)
            logger.info("%s %s", label, table[label])
    return table


def _attempts(caption: str, seed: int, ways: Sequence[Way]) -> list[Attempt]:
    """Return the attempts at a prompt: another seed where a way was tried before, as ways that add nothing are."""
    found: list[Attempt] = []
    for way in ways or [Way(PLAIN)] * TRIES:
        prompt = in_taste(caption, way.words, Amount.CLEAR, mentions=False)
        tried = sum(one.prompt == prompt and one.told == way.told for one in found)
        found.append(Attempt(prompt, seed + 10_000 * tried, way.told))
    return found


def _best(bench: Bench, scorer: TasteScorer, attempts: Sequence[Attempt]) -> Attempt:
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


def length_table(bench: Bench, lengths: Sequence[int] = (10, 100, 1000, 10_000)) -> dict[str, dict[str, float]]:
    """Return what a history of so many events costs: learning, telling, drawing one picture, memory of the first two.

    Memory is the peak of what Python and NumPy hold, in MB.
    """
    places = bench.corpus.of_split("test")
    described = [bench.corpus.pictures[place] for place in places]
    person = next(people("test", 1, described))
    stage = next(reversed(bench.stages))
    table = {}
    for length in lengths:
        events = history(person, described, length)
        tracemalloc.start()
        began = time.monotonic()
        taste = bench.taste.learn(bench.corpus.features[places], events, now=DAYS * DAY)
        learned = time.monotonic() - began
        began = time.monotonic()
        found = taste.interests
        tokens = bench.stages[stage].tokens.of_scorer(taste.scorer, (found.centres.tolist(), 0) if found else None)
        told = time.monotonic() - began
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        began = time.monotonic()
        bench.pipeline(
            ["a dog"], num_inference_steps=STEPS, guidance_scale=GUIDANCE, seeds=[1], upscale=False,
            taste=Taste(bench.stages[stage].attention, tokens),
        )  # fmt: skip
        drawn = time.monotonic() - began
        table[f"{length} events"] = {
            "learning s": round(learned, 3), "telling s": round(told, 3), "drawing s": round(drawn, 3),
            "memory MB": round(peak, 1), "tokens": tokens.shape[1],
        }  # fmt: skip
    return table


def sheet_of(bench: Bench, some: Sequence[Known], pictures: int = 3) -> Image.Image:
    """Return some people's favourites, and the plain and the personal pictures of the first prompts, best of all."""
    rows = {"plain": "no taste", "by keywords": "text keywords", "ours, words alone": WORDS, "ours, with tokens": ALL}
    rows = {heading: row for heading, row in rows.items() if row in bench.shown}
    liked = [[bench.corpus.image(int(place)) for place in one.favourites[:pictures]] for one in some]
    return taste_sheet(
        {"liked": liked}
        | {
            heading: [[bench.drawn[one] for one in person[:pictures]] for person in bench.shown[label][: len(some)]]
            for heading, label in ((name, f"{row} + best of {TRIES}") for name, row in rows.items())
        }
    )


def keep(bench: Bench, folder: Path) -> None:
    """Write every picture that a row shows, a folder a row, a file for each person and prompt."""
    for label, people_shown in bench.shown.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number, pictures in enumerate(people_shown):
            for place, one in enumerate(pictures):
                bench.drawn[one].save(folder / label / f"{number}-{place}.png")


def differences(told: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return by how much attribution of one row exceeds another's, of the same people, prompts and seeds."""
    pairs = [(STYLE_TOKENS, STYLE), (ALL, WORDS), (STYLE_TOKENS, WORDS)]
    table = {}
    for one, other in [(a + tail, b + tail) for a, b in pairs for tail in ("", f" + best of {TRIES}")]:
        if one in told and other in told:
            mean, error = left_out(told[one] - told[other])
            table[f"{one} less {other}"] = {
                "attribution": round(100 * mean, 1), ERROR + "attribution": round(100 * error, 1)
            }  # fmt: skip
    return table


def printed(table: dict[str, dict[str, float]]) -> str:
    """Return a table in Markdown."""
    head = [name for name in next(iter(table.values())) if not name.startswith(ERROR)]
    lines = [f"| | {' | '.join(head)} |", f"|{'---|' * (len(head) + 1)}"]
    return "\n".join(
        [*lines, *(f"| {name} | {' | '.join(_cell(row, h) for h in head)} |" for name, row in table.items())]
    )


def _cell(row: dict[str, float], name: str) -> str:
    error = row.get(ERROR + name)
    return str(row[name]) if error is None else f"{row[name]} ± {error}"


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--pigeon", action="append", default=[], help="NAME=DIR of a trained state; several")
    parser.add_argument(
        "--ablation", action="append", default=[],
        help=f"NAME=DIR of a trained state that lacks something; {NO_DENOISE!r} and {SINGLE!r} are told as trained",
    )  # fmt: skip
    parser.add_argument("--rows", action="append", default=[], help="only rows whose names hold one of these texts")
    parser.add_argument("--strength", type=float, default=1.0, help="of all tokens, 0 to 1 (as trained)")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sheet", type=Path, help="picture of three people: liked, plain, by keywords, ours")
    parser.add_argument("--pictures", type=Path, help="folder for every picture that a row shows")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, arguments.cache)
    settings = TasteSettings.read()
    pipeline = load_pipeline(resolve("mini"), resolve("minilm"))
    bench = Bench(corpus, pipeline, TastePipeline(extractor, settings, pipeline.library), arguments.strength)
    for entry in arguments.pigeon:
        name, _, folder = entry.partition("=")
        bench.stages[name] = Stage.read(Path(folder), pipeline)
    for entry in arguments.ablation:
        name, _, folder = entry.partition("=")
        bench.ablations[name] = Stage.read(Path(folder), pipeline)
    recolours = TasteCorpus.open(
        arguments.data, extractor, arguments.cache, part="recolours", most=RECOLOURS, split="test"
    )
    crowd, unseen = meet(bench, arguments.people)
    pictures = [(corpus, int(place)) for place in unseen] + [(recolours, place) for place in range(len(recolours))]
    drawn = run(bench, crowd, judge_of(bench, crowd, pictures), arguments.prompts, arguments.rows)
    print(printed(drawn))
    added = differences(bench.wins)
    if added:
        print(printed(added))
    if arguments.sheet:
        sheet_of(bench, crowd[:3]).save(arguments.sheet, quality=80)
    if arguments.pictures:
        keep(bench, arguments.pictures)
    by_length = length_table(bench) if bench.stages else {}
    if by_length:
        print(printed(by_length))
    predicted = scorer_table(corpus, settings, 3 * arguments.people)
    print(printed(predicted))
    if arguments.out:
        figures: dict[str, Any] = {"people": arguments.people, "prompts": arguments.prompts, "scorer": predicted}
        told = {
            "drawn": drawn,
            "differences": added,
            "by length": by_length,
            "steps": STEPS,
            "strength": bench.strength,
        }
        arguments.out.write_text(json.dumps(figures | told, indent=1) + "\n")


if __name__ == "__main__":
    main()
