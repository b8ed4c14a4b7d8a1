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
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.features.image_encoders import load_image_encoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.mini.casting import Actor
from pipelines.pigeon.configuration_pigeon import PigeonConfig
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import Evidence, gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.histories import embeddings, representatives
from pipelines.pigeon.interests import find_interests
from pipelines.pigeon.people import DAY, DAYS, Described, history, people
from pipelines.pigeon.pipeline_pigeon import reference_tokens
from pipelines.pigeon.scorer import TasteScorer
from pipelines.pigeon.training import PigeonData, PigeonTrainer
from pipelines.resolver import resolve

RECOLOURS = 500  # recoloured drawings among the pictures
HISTORY = 16  # pictures that stand for a history
_PAIRS = 12  # of each person
_CLEAR = 0.5  # logits by which one picture has to be preferred

logger = logging.getLogger(__name__)


def prepare(
    corpus: TasteCorpus,
    base: EmbeddedBase,
    settings: TasteSettings,
    config: PigeonConfig,
) -> PigeonData:
    """Compute what is frozen: features, latents, captions, sketches, references, and the people's histories.

    Every person gives a history for all they like and, where they have several interests, one for each of them.
    """
    train = corpus.of_split("train")
    chosen = np.array([p for p in train if not config.styles or corpus.pictures[p].style in config.styles])
    chosen = np.sort(np.random.default_rng(config.seed).permutation(chosen)[: config.pictures])
    described = [corpus.pictures[place] for place in chosen]
    features = corpus.features[chosen]
    pictures = np.stack([np.asarray(corpus.drawings[corpus.rows[place]]) for place in chosen])
    captions, asked = _captions([corpus.captions[place] for place in chosen], described, base)
    told: list[_Told] = []
    for number, person in enumerate(people("train", config.people, described)):
        events = history(person, described, config.events)
        evidence = gather(events, now=DAYS * DAY, filtered=config.denoise)
        if evidence.liked:
            numbers = np.random.default_rng([config.seed, number])
            told += _told(
                features, described, evidence, TasteScorer.learn(features, evidence, settings), config, numbers
            )
    standard = TasteScorer.learn(features, Evidence(rows=()), settings).standardised(features.attributes)
    pairs = [(row, *pair) for row, one in enumerate(told) for pair in one.pairs]
    greys = base.staged([[Actor(greys=True)]] * len(asked), asked)
    conditions = base.encode_text(captions) | (greys if config.grey_share == 1 else base.sketch(asked))
    latents = torch.cat([base.encode_pictures(pictures[a : a + 64]) for a in range(0, len(pictures), 64)])
    return PigeonData(
        features=torch.from_numpy(np.concatenate([standard, features.looks], 1)).float(),
        references=reference_tokens(latents),
        latents=latents,
        conditions=conditions,
        greys=greys.get("sketch"),
        empty=_empty(base),
        histories=torch.from_numpy(np.stack([_padded(one.history) for one in told])).long(),
        weights=torch.from_numpy(np.stack([_padded(one.weights, 0.0) for one in told])).float(),
        liked=[one.liked for one in told],
        pairs=np.array(pairs),
    )


@dataclass(frozen=True, eq=False)
class _Told:
    """A history, how much each of its pictures counts, what else is liked, and pairs (preferred, other)."""

    history: np.ndarray
    weights: list[float]
    liked: np.ndarray
    pairs: list[tuple[int, int]]


def _told(
    features: PictureFeatures,
    described: Sequence[Described],
    evidence: Evidence,
    scorer: TasteScorer,
    config: PigeonConfig,
    numbers: np.random.Generator,
) -> list[_Told]:
    """Return the histories of a person: of everything, and of each interest that has more pictures than it shows."""
    mine = np.array(evidence.liked)
    count = {row.picture: row.weight for row in evidence.rows if row.liked}
    weight = np.array([count[place] for place in mine], np.float32)
    points, every = embeddings(features[mine], scorer), embeddings(features, scorer)
    found = find_interests(points, weight)
    logits = scorer.score(features).logit
    groups = [(np.arange(len(mine)), logits)]
    if len(found) > 1 and config.by_interest:
        # As the studio weighs what it draws for an interest: its own pictures count more than the taste as a whole.
        near = every @ found.centres.T
        groups += [(np.flatnonzero(found.members == one), logits + 2.0 * near[:, one]) for one in range(len(found))]
    told = []
    for members, liking in groups:
        most = min(HISTORY, len(members) - max(1, len(members) // 3))  # some are left to draw
        if most < 1:
            continue
        kept = mine[members[representatives(points[members], weight[members], most)]]
        told.append(
            _Told(
                history=kept,
                weights=[min(1.0, count[place]) for place in kept],
                liked=np.setdiff1d(mine[members], kept),
                pairs=_pairs(liking, described, numbers),
            )
        )
    return told


def _captions(
    captions: Sequence[str], described: Sequence[Described], base: EmbeddedBase
) -> tuple[list[str], list[str]]:
    """Return what pictures are drawn after, half of them told their style, and what they are sketched after: all."""
    library = base.pipeline.library
    words = {name: phrases[0] for name, phrases in library.style_words.items()} if library is not None else {}
    styled = [
        f"{caption}, {words[one.style]}" if one.style in words else caption
        for caption, one in zip(captions, described, strict=True)
    ]
    return [
        one if place % 2 else plain for place, (plain, one) in enumerate(zip(captions, styled, strict=True))
    ], styled


def _empty(base: EmbeddedBase) -> dict[str, Tensor]:
    return base.encode_text([""])


def _padded(values: Sequence | np.ndarray, otherwise: float = -1) -> np.ndarray:
    row = np.full(HISTORY, otherwise, float)
    row[: len(values)] = values
    return row


def _pairs(liking: np.ndarray, described: Sequence[Described], numbers: np.random.Generator) -> list[tuple[int, int]]:
    """Return pairs of pictures of one thing of which the person's taste clearly prefers the first.

    Of one drawing where there are several versions of it: what differs is then the colours alone.
    """
    alike = defaultdict(list)
    for place, picture in enumerate(described):
        alike[picture.concept, picture.style].append(place)
    several = [places for places in alike.values() if len(places) > 1]
    found: list[tuple[int, int]] = []
    for place in numbers.permutation(len(several)):
        logits = liking[several[place]]
        if float(np.ptp(logits)) > _CLEAR:
            found.append((several[place][int(logits.argmax())], several[place][int(logits.argmin())]))
        if len(found) == _PAIRS:
            break
    return found


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/pigeon.yaml"))
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--data", type=Path, required=True, help="folder with index.npy and index.jsonl")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    config, cache = PigeonConfig.read(arguments.config), arguments.out / "cache"
    extractor = FeatureExtractor(load_image_encoder("tinyvit", resolve("tinyvit")))
    # Recoloured drawings too: what colours a thing has usually, its name tells; here only somebody's liking them does.
    corpus = TasteCorpus.joined(
        [
            TasteCorpus.open(arguments.data, extractor, cache),
            TasteCorpus.open(arguments.data, extractor, cache, part="recolours", most=RECOLOURS, split="train"),
        ]
    )
    base = EmbeddedBase.open(arguments.base, resolve("minilm"))
    data = prepare(corpus, base, TasteSettings.read(), config)
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
