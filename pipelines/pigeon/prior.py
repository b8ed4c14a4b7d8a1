"""Learns the prior of tastes from synthetic people: ``python -m pipelines.pigeon.prior --data DIR --cache DIR``.

Every person is known by a few reactions, as people are in the beginning; the prior is chosen by the likelihood of
what they think of pictures that are not in their history. The file that is written holds the seed-free result.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pipelines.features.image_encoders import load_image_encoder
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.configuration_taste import DEFAULT_FILE, PRIOR, TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import Evidence, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.people import DAY, DAYS, Person, history, people
from pipelines.pigeon.scorer import TasteScorer
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)
LENGTHS = (4, 8, 16, 32, 64)  # events of a history; people take turns
_ASKED = 48  # pictures a person is asked about
_STEP = 0.35  # of the search, in logarithms


@dataclasses.dataclass(frozen=True, eq=False)
class Pupil:
    """A person of whom the prior learns: evidence about pictures, and what they think of others."""

    features: PictureFeatures
    evidence: Evidence
    asked: PictureFeatures
    likes: np.ndarray


def pupils(corpus: TasteCorpus, split: str, count: int, lengths: Sequence[int] = LENGTHS) -> Iterator[Pupil]:
    """Yield people of a split with histories over pictures of that split."""
    places = corpus.of_split(split)
    described = [corpus.pictures[place] for place in places]
    for number, person in enumerate(people(split, count, described)):
        events = history(person, described, lengths[number % len(lengths)])
        evidence = gather(events, now=DAYS * DAY)
        seen = {event.picture for event in events}
        numbers = np.random.default_rng([3, person.seed])
        unseen = [place for place in numbers.permutation(len(places)) if place not in seen]
        asked = np.array(_half_liked(person, [int(place) for place in unseen], described))
        likes = np.array([person.likes(described[place]) for place in asked])
        yield Pupil(corpus.features[places], evidence, corpus.features[places[asked]], likes)


def _half_liked(person: Person, unseen: Sequence[int], described) -> list[int]:
    """Return pictures to ask about as they come, but a third of them of the person's own interests."""
    liked = [place for place in unseen if person.likes(described[place]) > 0.5][: _ASKED // 3]
    others = [place for place in unseen if place not in set(liked)]
    return [*liked, *others[: _ASKED - len(liked)]]


def loss(settings: TasteSettings, known: Sequence[Pupil]) -> float:
    """Return the mean cross-entropy, in nats, between what people think and what their tastes predict."""
    total = 0.0
    for pupil in known:
        chance = TasteScorer.learn(pupil.features, pupil.evidence, settings).score(pupil.asked).probability
        chance = np.clip(chance, 1e-4, 1 - 1e-4)
        total -= float(np.mean(pupil.likes * np.log(chance) + (1 - pupil.likes) * np.log(1 - chance)))
    return total / len(known)


def search(start: TasteSettings, known: Sequence[Pupil], rounds: int, seed: int = 0) -> TasteSettings:
    """Improve the prior by random steps, each kept when it lowers the loss."""
    numbers = np.random.default_rng(seed)
    best, least, step = start, loss(start, known), _STEP
    for number in range(rounds):
        changed: dict[str, Any] = {name: float(getattr(best, name) * np.exp(numbers.normal(0, step))) for name in PRIOR}
        changed["mean"] = best.mean + float(numbers.normal(0, step))
        tried = dataclasses.replace(best, **changed)
        found = loss(tried, known)
        if found < least:
            best, least = tried, found
            logger.info("round %d: %.4f nats", number, least)
        else:
            step = max(0.05, step * 0.98)
    return best


def measured(features: PictureFeatures) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of every attribute over pictures."""
    means, spreads = features.attributes.mean(axis=0), features.attributes.std(axis=0)
    return {
        name: (round(float(mean), 4), round(float(spread), 4))
        for name, mean, spread in zip(ATTRIBUTE_NAMES, means, spreads, strict=True)
    }


def write(settings: TasteSettings, file: Path, people_count: int, found: float) -> None:
    """Write the settings with where they come from."""
    values = {
        "prior": {name: round(float(getattr(settings, name)), 4) for name in PRIOR},
        "tokens": {"strength": settings.strength},
        "minds": {"alone": settings.alone, "kinship": settings.kinship},
        "attributes": {name: list(entry) for name, entry in (settings.attributes or {}).items()},
    }
    head = (
        "# What is believed of anybody's taste before they have said a word, and how attributes spread over pictures.\n"
        "# Written by python -m pipelines.pigeon.prior; fields: pipelines/pigeon/configuration_taste.py.\n"
        f"# Learned from {people_count} synthetic people of the train split: {found:.4f} nats a picture.\n"
    )
    file.write_text(head + yaml.safe_dump(values, sort_keys=False, default_flow_style=None), encoding="utf-8")


def main() -> None:
    """Parse the arguments, search, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.npy and index.jsonl")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the features of the corpus")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, arguments.cache)
    known = list(pupils(corpus, "train", arguments.people))
    kept = TasteSettings.read() if DEFAULT_FILE.is_file() else TasteSettings()
    start = dataclasses.replace(
        TasteSettings(attributes=measured(corpus.features)),
        strength=kept.strength, alone=kept.alone, kinship=kept.kinship,
    )  # fmt: skip
    best = search(start, known, arguments.rounds)
    write(best, arguments.out, arguments.people, loss(best, known))
    unseen = list(pupils(corpus, "test", arguments.people))
    logger.info("test people: %.4f nats (%.4f before)", loss(best, unseen), loss(start, unseen))


if __name__ == "__main__":
    main()
