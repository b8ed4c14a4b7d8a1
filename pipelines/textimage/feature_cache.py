"""Features of the corpus, computed once and kept on disk in shards, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.features.image_encoders import ImageEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.textimage.drawings import Corpus

SHARD = 256

logger = logging.getLogger(__name__)


def image_features(corpus: Corpus, encoder: ImageEncoder, cache: Path) -> FloatArray:
    """Embed every picture of the corpus on its ground.

    Args:
        corpus: the pictures.
        encoder: which frozen encoder.
        cache: folder for the shards.

    Returns:
        float32 [N, D], rows of length 1, in the order of `corpus.drawings`.
    """
    folder = cache / f"{encoder.name}-{corpus.fingerprint()}"
    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for start in range(0, len(corpus.drawings), SHARD):
        file = folder / f"{start:06d}.npy"
        if not file.is_file():
            stop = min(start + SHARD, len(corpus.drawings))
            _save(file, encoder.embed([corpus.picture_on_ground(index) for index in range(start, stop)]))
            logger.info("%s: %d of %d pictures", encoder.name, stop, len(corpus.drawings))
        shards.append(np.load(file, allow_pickle=False))
    return np.concatenate(shards)


def text_features(texts: Sequence[str], encoder: MiniLMTextEncoder, cache: Path) -> FloatArray:
    """Embed texts, or read them back if exactly these were embedded before.

    Returns:
        float32 [N, D], rows of length 1.
    """
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    file = cache / f"{encoder.name}-{digest}.npy"
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _save(file, encoder.embed(texts))
    features: FloatArray = np.load(file, allow_pickle=False)
    return features


def _save(file: Path, array: FloatArray) -> None:
    """Write whole or not at all: a shard that exists is complete."""
    partial = file.with_name(f"{file.name}.part")
    with partial.open("wb") as stream:
        np.save(stream, array)
    partial.replace(file)
