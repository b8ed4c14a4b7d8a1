"""Train the history encoder: ``python -m pipelines.pigeon.train --base assets/mini --data DIR --out DIR``.

The people are synthetic (`pipelines.pigeon.people`), of the train split, over pictures of the train split. The folder
gets the cache, a log and checkpoints of either stage, from which the same command goes on, and ``pigeon``: what is
trained. The pairs of the second stage are judged by `TasteScorer`; what is reported afterwards must use another judge.
"""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipelines.features.image_encoders import ImageEncoder, load_image_encoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.pigeon.configuration_pigeon import PigeonConfig
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.corpus import TasteCorpus
from pipelines.pigeon.evidence import gather
from pipelines.pigeon.features import FeatureExtractor
from pipelines.pigeon.histories import embeddings, representatives
from pipelines.pigeon.people import DAY, DAYS, history, people
from pipelines.pigeon.scorer import TasteScorer
from pipelines.pigeon.training import PigeonData, PigeonTrainer
from pipelines.resolver import resolve

HISTORY = 16  # pictures that stand for a history
REFERENCE_GRID = 4  # a reference has 4 × 4 tokens
_PAIRS = 12  # of each person
_CLEAR = 0.5  # logits by which one picture has to be preferred

logger = logging.getLogger(__name__)


def prepare(
    corpus: TasteCorpus,
    base: EmbeddedBase,
    encoder: ImageEncoder,
    settings: TasteSettings,
    config: PigeonConfig,
    cache: Path,
) -> PigeonData:
    """Compute what is frozen: features, latents, captions, sketches, references, and the people's histories."""
    train = corpus.of_split("train")
    chosen = np.array([p for p in train if not config.styles or corpus.pictures[p].style in config.styles])
    described = [corpus.pictures[place] for place in chosen]
    features = corpus.features[chosen]
    pictures = np.stack([np.asarray(corpus.drawings[corpus.rows[place]]) for place in chosen])
    captions = [corpus.captions[place] for place in chosen]
    conditions = _conditions(base, captions)
    histories, weights, liked, pairs = [], [], [], []
    for number, person in enumerate(people("train", config.people, described)):
        events = history(person, described, config.events)
        evidence = gather(events, now=DAYS * DAY)
        if not evidence.liked:
            continue
        scorer = TasteScorer.learn(features, evidence, settings)
        mine = np.array(evidence.liked)
        count = {row.picture: row.weight for row in evidence.rows if row.liked}
        weight = np.array([count[place] for place in mine])
        kept = mine[representatives(embeddings(features[mine], scorer), weight, HISTORY)]
        histories.append(_padded(kept))
        weights.append(_padded([min(1.0, count[place]) for place in kept], 0.0))
        liked.append(np.setdiff1d(mine, kept))
        pairs += _pairs(scorer, features, described, np.random.default_rng([config.seed, number]), len(histories) - 1)
    return PigeonData(
        features=torch.from_numpy(np.concatenate([scorer.standardised(features.attributes), features.looks], 1)),
        references=_references(pictures, encoder, cache),
        latents=torch.cat([base.encode_pictures(pictures[a : a + 64]) for a in range(0, len(pictures), 64)]),
        conditions=conditions,
        empty={name: value[:1] for name, value in _conditions(base, [""]).items()},
        histories=torch.from_numpy(np.stack(histories)).long(),
        weights=torch.from_numpy(np.stack(weights)).float(),
        liked=liked,
        pairs=np.array(pairs),
    )


def _conditions(base: EmbeddedBase, captions: Sequence[str]) -> dict[str, Tensor]:
    text = base.encode_text(captions)
    if any(captions):
        return text | base.sketch(captions)
    config = base.model.config
    if config.in_channels == config.out_channels:
        return text
    return text | {"sketch": torch.zeros(len(captions), config.out_channels, config.sample_size, config.sample_size)}


def _references(pictures: np.ndarray, encoder: ImageEncoder, cache: Path) -> Tensor:
    from PIL import Image

    file = cache / f"references-{encoder.name}-{len(pictures)}.npy"
    if not file.is_file():
        parts = []
        for start in range(0, len(pictures), 16):
            tokens = torch.from_numpy(
                encoder.tokens([Image.fromarray(one, "RGBA") for one in pictures[start : start + 16]])
            )
            edge = round(tokens.shape[1] ** 0.5)
            grid = tokens.transpose(1, 2).unflatten(2, (edge, edge))
            parts.append(functional.adaptive_avg_pool2d(grid, min(edge, REFERENCE_GRID)).flatten(2).transpose(1, 2))
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, torch.cat(parts).half().numpy())
    return torch.from_numpy(np.load(file))


def _padded(values: Sequence | np.ndarray, otherwise: float = -1) -> np.ndarray:
    row = np.full(HISTORY, otherwise, float)
    row[: len(values)] = values
    return row


def _pairs(scorer: TasteScorer, features, described, numbers: np.random.Generator, person: int) -> list:
    """Return pairs of pictures of one thing of which the person's taste clearly prefers the first."""
    alike = defaultdict(list)
    for place, picture in enumerate(described):
        alike[picture.concept].append(place)
    several = [places for places in alike.values() if len(places) > 1]
    found: list[tuple[int, int, int]] = []
    for place in numbers.permutation(len(several)):
        logits = scorer.score(features[np.array(several[place])]).logit
        if float(np.ptp(logits)) > _CLEAR:
            found.append((person, several[place][int(logits.argmax())], several[place][int(logits.argmin())]))
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
    corpus = TasteCorpus.open(arguments.data, extractor, cache)
    base = EmbeddedBase.open(arguments.base, resolve("minilm"))
    references = load_image_encoder("dinov2", resolve("dinov2"))
    data = prepare(corpus, base, references, TasteSettings.read(), config, cache)
    logger.info("%d people, %d pictures, %d pairs", len(data.histories), len(data.features), len(data.pairs))
    logger.info("trained: %s", PigeonTrainer(base.model, data, config, arguments.out).train())


if __name__ == "__main__":
    main()
