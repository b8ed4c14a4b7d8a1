"""Command line of the training: `python -m pipelines.textimage.train --config FILE --data DIR`."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from pipelines.features.image_encoders import load_image_encoder
from pipelines.features.preprocessing import FloatArray
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.resolver import resolve
from pipelines.textimage.configuration import DEFAULT_CONFIG, TrainingConfig, load_config
from pipelines.textimage.drawings import Corpus, Drawing
from pipelines.textimage.evaluation import Recall, recall_at_one
from pipelines.textimage.feature_cache import image_features, text_features
from pipelines.textimage.kinds import calibrated_scale
from pipelines.textimage.loading import Find
from pipelines.textimage.modeling_mini_clip import MiniClip
from pipelines.textimage.text_pool import TextPool
from pipelines.textimage.training import Fit, TrainingSet

logger = logging.getLogger(__name__)

GALLERY_NAMES = 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure and write the heads."""
    parser = argparse.ArgumentParser(description="Train the projection heads of mini-CLIP.")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--data", type=Path, required=True, help="the corpus: index.jsonl, index.npy, …")
    parser.add_argument("--out", type=Path, default=Path("assets/textimage"))
    parser.add_argument("--cache", type=Path, default=Path("runs/textimage"), help="features and the resumable state")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    config = load_config(options.config).training
    if config is None:
        parser.error(f"{options.config} has no `training` section.")
    corpus = Corpus(options.data, config.corpus)
    heads, recall = train(corpus, config, cache=options.cache, threads=options.threads)
    write(heads, options.out)
    logger.info("written to %s: %s", options.out, json.dumps(asdict(recall)))


def train(
    corpus: Corpus, config: TrainingConfig, *, cache: Path, threads: int = 1, find: Find = resolve
) -> tuple[MiniClip, Recall]:
    """Fit the heads on the split `train` and measure them on drawings of concepts they never saw.

    Args:
        corpus: drawings and texts.
        config: the recipe.
        cache: folder of features and of the resumable state.
        threads: of the image encoders.
        find: tells where a named encoder is.

    Returns:
        The heads, with `kind_scale` measured on the same unseen drawings, and their R@1 among 100 names. Unseen are
        the drawings of `val` where a share was kept out, else those of `test`.
    """
    names = config.heads.image_features
    encoders = [load_image_encoder(name, find(name), threads=threads) for name in names]
    images = np.concatenate([image_features(corpus, encoder, cache) for encoder in encoders], axis=1)
    text_encoder = MiniLMTextEncoder(find("minilm"))
    rows = np.array([row for row, drawing in enumerate(corpus.drawings) if drawing.split == "train"])
    pool = TextPool([corpus.drawings[row] for row in rows])
    data = TrainingSet(images=images[rows], texts=_text_features(corpus, pool, text_encoder, cache), pool=pool)
    fit = Fit(data, config.heads, config.fit, tuple(encoder.dim for encoder in encoders))
    state = cache / "fit.safetensors"
    if fit.resume(state):
        logger.info("going on from step %d", fit.step)
    heads = fit.run(state)
    held_out = "val" if config.corpus.validation_share > 0 else "test"
    recall, scale = measure(heads, corpus.drawings, images, text_encoder, held_out)
    heads.register_to_config(kind_scale=round(scale, 2))
    return heads, recall


def _text_features(corpus: Corpus, pool: TextPool, encoder: MiniLMTextEncoder, cache: Path) -> FloatArray:
    """Features of the pool's texts, [M, S]; all texts of the corpus are cached together, whatever is kept out now."""
    every = list(dict.fromkeys(text for drawing in corpus.drawings for text in drawing.texts))
    number = {text: position for position, text in enumerate(every)}
    return text_features(every, encoder, cache)[[number[text] for text in pool.texts]]


@torch.no_grad()
def measure(
    heads: MiniClip, drawings: Sequence[Drawing], images: FloatArray, text_encoder: MiniLMTextEncoder, held_out: str
) -> tuple[Recall, float]:
    """Measure R@1 of the concepts of a split among 100 names, and the scale that calibrates a choice among them.

    Args:
        heads: the fitted heads.
        drawings: N drawings.
        images: [N, F] their joined features.
        text_encoder: for the names.
        held_out: the split tried; training concepts fill the gallery up.
    """
    plain = [row for row, drawing in enumerate(drawings) if drawing.source == "index"]
    tried = sorted({drawings[row].concept for row in plain if drawings[row].split == held_out})[:GALLERY_NAMES]
    others = sorted({drawings[row].concept for row in plain} - set(tried))
    rng = np.random.default_rng(0)
    fill = rng.choice(others, size=min(len(others), max(0, GALLERY_NAMES - len(tried))), replace=False)
    chosen = set(tried) | set(fill.tolist())
    rows = [row for row in plain if drawings[row].concept in chosen]
    spelling = {drawings[row].concept: drawings[row].names[0] for row in rows}
    words = heads.project_texts(torch.from_numpy(text_encoder.embed(list(spelling.values())))).numpy()
    embeddings = heads.project_images(torch.from_numpy(images[rows])).numpy()
    concepts = [drawings[row].concept for row in rows]
    recall = recall_at_one(embeddings, concepts, dict(zip(spelling, words, strict=True)), tried=tried, seed=0)
    column = {concept: number for number, concept in enumerate(spelling)}
    unseen = [number for number, concept in enumerate(concepts) if concept in set(tried)]
    scale = calibrated_scale(embeddings[unseen] @ words.T, [column[concepts[number]] for number in unseen])
    return recall, scale


def write(heads: MiniClip, folder: Path) -> None:
    """Write weights and configuration; half precision is enough for projections and halves the file."""
    heads.half().save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    main()
