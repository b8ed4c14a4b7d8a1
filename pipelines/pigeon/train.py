"""Train the history encoder: ``python -m pipelines.pigeon.train --base assets/mini --data DIR --out DIR``.

The people are synthetic (`pipelines.pigeon.people`), of the train split, over pictures of the train split. The folder
gets the cache, a log and checkpoints of either stage, from which the same command goes on, and ``pigeon``: what is
trained. The pairs of the second stage are judged by `TasteScorer`; what is reported afterwards must use another judge.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.features.image_encoders import load_image_encoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.mini.colours import in_greys
from pipelines.pigeon.configuration_pigeon import PigeonConfig
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import VERSIONS, TasteCorpus
from pipelines.pigeon.evidence import Evidence, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings, representatives
from pipelines.pigeon.interests import find_interests
from pipelines.pigeon.people import DAY, DAYS, Described, Interest, Person, history, people
from pipelines.pigeon.pipeline_pigeon import reference_tokens
from pipelines.pigeon.scorer import TasteScorer
from pipelines.pigeon.training import PigeonData, PigeonTrainer
from pipelines.resolver import resolve

HISTORY = 16  # pictures that stand for a history
_PAIRS, _ASKED = 12, 30  # of each person, and drawings among whose versions they are looked for
_CLEAR = 0.5  # logits by which one picture has to be preferred
_MATTERS = 0.3  # by how much the version liked most has to suit better than the one liked least

logger = logging.getLogger(__name__)


def prepare(
    corpus: TasteCorpus, drawn: TasteCorpus, base: EmbeddedBase, settings: TasteSettings, config: PigeonConfig
) -> PigeonData:
    """Compute what is frozen: features, latents, captions, sketches, references, and the people's histories.

    Every person gives a history for all they like and, where they have several interests, one for each of them.

    Args:
        corpus: what people see, in all styles.
        drawn: versions of other drawings, see `TasteCorpus.in_every_colour`.
        base: that draws.
        settings: the prior of tastes.
        config: of the run.
    """
    told: list[_Told] = []
    for number, person in enumerate(people("train", config.people, corpus.pictures)):
        evidence = gather(history(person, corpus.pictures, config.events), now=DAYS * DAY, filtered=config.denoise)
        if evidence.liked:
            scorer = TasteScorer.learn(corpus.features, evidence, settings)
            numbers = np.random.default_rng([config.seed, number])
            told += _told(corpus, drawn, _Known(person, evidence, scorer), config, numbers)
    every = PictureFeatures.joined([drawn.features, corpus.features])
    standard = TasteScorer.learn(every, Evidence(rows=()), settings).standardised(every.attributes)
    pictures = np.asarray(drawn.drawings)
    latents = _encoded(base, pictures)
    return PigeonData(
        features=torch.from_numpy(np.concatenate([standard, every.looks], 1)).float(),
        references=reference_tokens(latents),
        latents=latents,
        conditions=base.encode_text(_captions(drawn, base)) | _grey_sketches(pictures, base),
        empty=base.encode_text([""]),
        histories=torch.from_numpy(np.stack([_padded(one.history + len(drawn)) for one in told])).long(),
        weights=torch.from_numpy(np.stack([_padded(one.weights, 0.0) for one in told])).float(),
        liked=[one.liked for one in told],
        pairs=np.array([(row, *pair) for row, one in enumerate(told) for pair in one.pairs]),
    )


@dataclass(frozen=True, eq=False)
class _Known:
    """Somebody, what their history says, and what was learned from it."""

    person: Person
    evidence: Evidence
    scorer: TasteScorer


@dataclass(frozen=True, eq=False)
class _Told:
    """A history, how much each of its pictures counts, what is liked most, and pairs (preferred, other)."""

    history: np.ndarray
    weights: list[float]
    liked: np.ndarray
    pairs: list[tuple[int, int]]


def _told(
    corpus: TasteCorpus, drawn: TasteCorpus, known: _Known, config: PigeonConfig, numbers: np.random.Generator
) -> list[_Told]:
    """Return the histories of a person: of everything, and of each interest that they have."""
    mine = np.array(known.evidence.liked)
    count = {row.picture: row.weight for row in known.evidence.rows if row.liked}
    weight = np.array([count[place] for place in mine], np.float32)
    points = embeddings(corpus.features[mine], known.scorer)
    found = find_interests(points, weight)
    asked = numbers.permutation(len(drawn) // VERSIONS)[:_ASKED]
    places = (asked[:, None] * VERSIONS + np.arange(VERSIONS)).ravel()
    some = drawn.features[places]
    logits = known.scorer.score(some).logit
    groups: list[tuple[np.ndarray, np.ndarray, Callable[[Described], float]]] = [
        (np.arange(len(mine)), logits, known.person.utility)
    ]
    if len(found) > 1 and config.by_interest:
        # As the studio weighs what it draws for an interest: its own pictures count more than the taste as a whole.
        near = embeddings(some, known.scorer) @ found.centres.T
        for one in range(len(found)):
            members = np.flatnonzero(found.members == one)
            meant = _meant(known.person, [corpus.pictures[place] for place in mine[members]])
            groups.append((members, logits + 2.0 * near[:, one], meant.suits))
    told = []
    for members, liking, suits in groups:
        kept = mine[members[representatives(points[members], weight[members], HISTORY)]]
        welcome = np.array([suits(picture) for picture in drawn.pictures])
        told.append(
            _Told(
                history=kept,
                weights=[min(1.0, count[place]) for place in kept],
                liked=_most_liked(welcome.reshape(-1, VERSIONS), numbers),
                pairs=[(int(places[a]), int(places[b])) for a, b in _pairs(liking.reshape(-1, VERSIONS))],
            )
        )
    return told


def _meant(person: Person, pictures: Sequence[Described]) -> Interest:
    """Return the interest of a person that some pictures suit best."""
    return max(person.interests, key=lambda one: sum(one.suits(picture) for picture in pictures))


def _most_liked(welcome: np.ndarray, numbers: np.random.Generator) -> np.ndarray:
    """Return of each drawing the version that is liked most, by chance among equals, where it makes a difference.

    What somebody merely likes need not wear a colour that they like: its style and its subject may do. And what colours
    a thing has usually its name tells. Of the versions of one drawing the one liked most differs in colours alone, and
    from person to person.

    Args:
        welcome: how well versions suit [D, V].
        numbers: chance.

    Returns:
        Places in the flattened array [at most D].
    """
    tied = np.where(welcome > welcome.max(axis=1, keepdims=True) - 1e-6, numbers.random(welcome.shape), -1.0)
    places = np.arange(len(welcome)) * welcome.shape[1] + tied.argmax(axis=1)
    chosen: np.ndarray = places[np.ptp(welcome, axis=1) > _MATTERS]
    return chosen


def _pairs(liking: np.ndarray) -> list[tuple[int, int]]:
    """Return, of as many drawings as are wanted, the best and the worst version where a taste clearly prefers one.

    Args:
        liking: logits of versions [D, V].

    Returns:
        Places in the flattened array.
    """
    clear = np.flatnonzero(np.ptp(liking, axis=1) > _CLEAR)[:_PAIRS]
    first = clear * liking.shape[1]
    best, worst = first + liking[clear].argmax(axis=1), first + liking[clear].argmin(axis=1)
    return [(int(one), int(other)) for one, other in zip(best, worst, strict=True)]


def _captions(drawn: TasteCorpus, base: EmbeddedBase) -> list[str]:
    """Return what drawings are drawn after: half of the versions are told their style, none their colours."""
    library = base.pipeline.library
    words = {name: phrases[0] for name, phrases in library.style_words.items()} if library is not None else {}
    return [
        f"{caption}, {words[picture.style]}" if place % 2 and picture.style in words else caption
        for place, (caption, picture) in enumerate(zip(drawn.captions, drawn.pictures, strict=True))
    ]


def _encoded(base: EmbeddedBase, pictures: np.ndarray) -> Tensor:
    return torch.cat([base.encode_pictures(pictures[start : start + 64]) for start in range(0, len(pictures), 64)])


def _grey_sketches(pictures: np.ndarray, base: EmbeddedBase) -> dict[str, Tensor]:
    """Return for every version the drawing as it is in greys, for a base that is shown sketches.

    As tokens are asked for colours afterwards, and the same for all its versions: even shades of grey would tell them.
    """
    config = base.model.config
    if config.in_channels == config.out_channels:
        return {}
    greys = np.stack([in_greys(picture) for picture in pictures[::VERSIONS]])
    return {"sketch": _encoded(base, greys).repeat_interleave(VERSIONS, dim=0)}


def _padded(values: Sequence | np.ndarray, otherwise: float = -1) -> np.ndarray:
    row = np.full(HISTORY, otherwise, float)
    row[: len(values)] = values
    return row


def _parted(corpus: TasteCorpus, config: PigeonConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the pictures that people see and of the drawings that are drawn, of the train split."""
    places = np.random.default_rng(config.seed).permutation(corpus.of_split("train"))
    able = [place for place in places if not config.styles or corpus.pictures[place].style in config.styles]
    drawn = np.sort(np.array(able[: config.drawings]))
    return np.sort(np.setdiff1d(places, drawn, assume_unique=True)[: config.pictures]), drawn


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/pigeon.yaml"))
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--data", type=Path, required=True, help="folder with index.npy and index.jsonl")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder for the features of pictures; default: cache in --out")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    config, cache = PigeonConfig.read(arguments.config), arguments.cache or arguments.out / "cache"
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    corpus = TasteCorpus.open(arguments.data, extractor, cache)
    seen, places = _parted(corpus, config)
    drawn = corpus.in_every_colour(places, extractor, cache)
    base = EmbeddedBase.open(arguments.base, resolve("minilm"))
    data = prepare(corpus.of_places(seen), drawn, base, TasteSettings.read(), config)
    logger.info("%d people, %d pictures, %d pairs", len(data.histories), len(data.features), len(data.pairs))
    trainer = PigeonTrainer(base.model, data, config, arguments.out)
    folder = trainer.train()
    recipe = {
        "config": dataclasses.asdict(config),
        "base": base.name,
        "data_manifest_sha256": hashlib.sha256((arguments.data / "manifest.json").read_bytes()).hexdigest(),
        "histories": len(data.histories),
        "pictures": len(data.features),
        "pairs": len(data.pairs),
        "parameters": sum(value.numel() for value in trainer.model.parameters()),
        "last_log": {stage: _last_log(arguments.out / stage) for stage in ("first", "second")},
    }
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    logger.info("trained: %s", folder)


def _last_log(folder: Path) -> dict[str, float]:
    told: dict[str, float] = json.loads((folder / "loss.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
