"""What people who share their tastes are worth to somebody new, by how many picks that person has made.

    python -m tests.bench.bench_minds --data DIR --cache DIR [--people 96] [--out FILE.json]

People are synthetic (`pipelines.pigeon.people`), of the test split. Each picks between pairs of test pictures that the
studio's own rule chooses (`pipelines.pigeon.cold_start`), by what they know of themselves alone, so that every row has
the same evidence; the better picture of a pair wins with the odds of `Person.likes`. They are asked about the other
test pictures. Those who share have histories over pictures of the train split, noise and all, and give the weights of
`pipelines.pigeon.minds`. *Unrelated* are people of other seeds; *like-minded* ones are drawn by `make_like_minded`.
"All alike" weighs nobody by the picks: what weighing is worth is the difference to that row.

AUC: how often, of two pictures that were never shown, the scorer ranks the one higher that is rather liked. ± is the
standard error over people, in every row but the first of the difference to nobody. Nats: mean cross-entropy between
what people think of the pictures and what is promised.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pipelines.features.image_encoders import load_image_encoder
from pipelines.pigeon.cold_start import next_pair
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import Evidence, Row, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.minds import keep_company, lent_weights
from pipelines.pigeon.people import DAY, DAYS, Described, Person, history, make_like_minded, people
from pipelines.pigeon.scorer import TasteScorer
from pipelines.resolver import resolve
from tests.bench.bench_taste import ERROR, area_under_curve, printed

PICKS = (2, 4, 8, 16, 32, 64)
CROWD, AKIN = 24, 3  # people who share, and how many of them are like-minded in a crowd that has such
EVENTS = 128  # of the history of somebody who shares
POOL = 140  # pictures to pick between
_LIKED = 8  # pictures that somebody has to like among those that are asked about
_STEEPNESS = 4.0
_APART, _AKIN = 5000, 20_000  # added to seeds
NOBODY = "nobody"
logger = logging.getLogger(__name__)
Lent = dict[str, float]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one kind of use: descriptions and features."""

    described: tuple[Described, ...]
    features: PictureFeatures

    @classmethod
    def of(cls, corpus: TasteCorpus, places: np.ndarray) -> Pictures:
        """Return those at some places of a corpus."""
        return cls(tuple(corpus.pictures[place] for place in places), corpus.features[places])


def picks(person: Person, pool: Pictures, count: int, settings: TasteSettings) -> list[Row]:
    """Return what somebody picks of the pairs that tell most of what is not known of them."""
    numbers = np.random.default_rng([9, person.seed])
    rows: list[Row] = []
    shown: set[int] = set()
    for number in range(count):
        known = TasteScorer.learn(pool.features, Evidence(rows=tuple(rows)), settings)
        one, other = next_pair(known, pool.features, settings, shown=shown, seed=number)
        shown |= {one, other}
        more = person.utility(pool.described[one]) - person.utility(pool.described[other])
        if numbers.random() > 1 / (1 + np.exp(-_STEEPNESS * more)):
            one, other = other, one
        rows.append(Row(picture=one, liked=True, weight=1.0, other=other))
    return rows


def lent_by(person: Person, pictures: Pictures, settings: TasteSettings) -> Lent:
    """Return what somebody with a long history gives."""
    evidence = gather(history(person, pictures.described, EVENTS), now=DAYS * DAY)
    return lent_weights(TasteScorer.learn(pictures.features, evidence, settings))


def weighed(scorer: TasteScorer, crowd: Sequence[Lent]) -> TasteScorer:
    """Return the scorer with the help of a crowd, as the studio does it."""
    return scorer.again(lean=keep_company(scorer, [[lent] for lent in crowd]).lean)


def all_alike(scorer: TasteScorer, crowd: Sequence[Lent]) -> TasteScorer:
    """Return the scorer with the help of a crowd of which each counts the same, whatever was picked."""
    mean = np.mean([list(lent.values()) for lent in crowd], axis=0)
    share = (1 - scorer.settings.alone) * scorer.settings.kinship
    return scorer.again(lean=(share * mean).astype(np.float32))


def nats(chance: np.ndarray, likes: np.ndarray) -> float:
    """Return the mean cross-entropy between what is thought and what is promised."""
    chance = np.clip(chance, 1e-4, 1 - 1e-4)
    return float(-np.mean(likes * np.log(chance) + (1 - likes) * np.log(1 - chance)))


def measure(corpus: TasteCorpus, settings: TasteSettings, count: int) -> dict[str, np.ndarray]:
    """Return for every row the AUC and the nats of each person at each number of picks [count, PICKS, 2]."""
    held = np.random.default_rng(5).permutation(corpus.of_split("test"))
    pool, asked = (Pictures.of(corpus, np.sort(places)) for places in (held[:POOL], held[POOL:]))
    past = Pictures.of(corpus, corpus.of_split("train"))
    every = list(people("test", _APART + CROWD, corpus.pictures))
    apart = [lent_by(one, past, settings) for one in every[_APART:]]
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for person in every[:_APART]:
        likes = np.array([person.likes(one) for one in asked.described])
        if (likes > 0.5).sum() < _LIKED:
            continue
        akin = [
            lent_by(make_like_minded(person, person.seed + _AKIN * (n + 1), corpus.pictures), past, settings)
            for n in range(AKIN)
        ]
        rows = picks(person, pool, max(PICKS), settings)
        for name, help_ in rows_of(apart, akin).items():
            told = []
            for made in PICKS:
                own = TasteScorer.learn(pool.features, Evidence(rows=tuple(rows[:made])), settings)
                scores = help_(own).score(asked.features)
                told.append((area_under_curve(scores.logit, likes), nats(scores.probability, likes)))
            found.setdefault(name, []).append(told)
        logger.info("%d of %d people", len(found[NOBODY]), count)
        if len(found[NOBODY]) == count:
            break
    return {name: np.array(values) for name, values in found.items()}


def rows_of(apart: Sequence[Lent], akin: Sequence[Lent]) -> dict[str, Callable[[TasteScorer], TasteScorer]]:
    """Return for every row what it makes of a person's own scorer."""
    mixed = [*apart[AKIN:], *akin]
    return {
        NOBODY: lambda own: own,
        f"{CROWD} unrelated": lambda own: weighed(own, apart),
        f"{CROWD - AKIN} unrelated, {AKIN} like-minded": lambda own: weighed(own, mixed),
        "the same, all alike": lambda own: all_alike(own, mixed),
        f"{AKIN} like-minded alone": lambda own: weighed(own, akin),
    }


def table_of(found: dict[str, np.ndarray], figure: int) -> dict[str, dict[str, float]]:
    """Return the means over people, and the errors of what a row adds; figure 0 is AUC, 1 nats."""
    table = {}
    for name, values in found.items():
        of = values[..., figure]
        about = of if name == NOBODY else of - found[NOBODY][..., figure]
        errors = about.std(axis=0, ddof=1) / np.sqrt(len(about))
        table[name] = {
            f"{made} picks": round(float(mean), 3) for made, mean in zip(PICKS, of.mean(axis=0), strict=True)
        }
        table[name] |= {f"{ERROR}{made} picks": round(float(e), 3) for made, e in zip(PICKS, errors, strict=True)}
    return table


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="corpus of `python -m pipelines.mini.data`")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the features of the corpus")
    parser.add_argument("--people", type=int, default=96)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, arguments.cache)
    found = measure(corpus, TasteSettings.read(), arguments.people)
    tables = {name: table_of(found, figure) for figure, name in enumerate(("AUC", "nats"))}
    for name, table in tables.items():
        print(f"\n{name}\n\n{printed(table)}")
    if arguments.out:
        arguments.out.write_text(json.dumps({"people": arguments.people, **tables}, indent=1) + "\n")


if __name__ == "__main__":
    main()
