"""Train the small VLM: ``python -m pipelines.assistant.vlm.train --data DIR --out DIR``.

The data is the corpus of drawings (see README, “Train it yourself”). Image tokens are computed once, kept beside the
checkpoint, and the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from pipelines.assistant.chat_transformers import TextChat
from pipelines.assistant.vlm.configuration_vlm import DEFAULT_CONFIG, VlmConfig, load_config
from pipelines.assistant.vlm.depicted import Corpus
from pipelines.assistant.vlm.loading import KINDS, NEEDED, kinds_of, open_eyes, told_apart
from pipelines.assistant.vlm.shown import Album, prepared
from pipelines.assistant.vlm.training import VlmTrainer
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute image tokens, train, and write what was trained."""
    parser = argparse.ArgumentParser(description="Train the projector and the LoRA of the small VLM.")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--data", type=Path, required=True, help="the corpus, written by pipelines.mini.data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=Path, help="folder of image tokens, where several runs share them")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = load_config(options.config)
    album, kinds = learned_from(config, options.data, options.tokens or options.out, options.threads)
    chat = TextChat.from_gguf(resolve("smollm2"), "smollm2", threads=options.threads)
    trainer = VlmTrainer(chat.model, chat.tokenizer, album, config, options.out)
    folder = trainer.train()
    (folder / KINDS).write_text("".join(f"{kind}\n" for kind in told_apart(kinds)), encoding="utf-8")
    (folder / "recipe.json").write_text(json.dumps(recipe_of(config, options.data), indent=2) + "\n", encoding="utf-8")
    logger.info("written to %s", folder)


def learned_from(
    config: VlmConfig, data: Path, kept: Path, threads: int, split: str = "train"
) -> tuple[Album, list[str]]:
    """Return the pictures of a split, from `kept` where they are, and the kinds that they may be tagged with.

    Args:
        config: says which pictures, and how they are shown.
        data: the corpus.
        kept: folder for what was seen.
        threads: of the networks that look.
        split: ``train`` or ``test``.
    """
    corpus = Corpus(data)
    kinds = kinds_of(corpus, config.pictures.groups)
    album = prepared(
        corpus,
        config.pictures,
        split,
        lambda: open_eyes(kinds, config.model, learning=True, threads=threads),
        frozenset(kinds),
        kept / _named(config, split),
    )
    return album, kinds


def recipe_of(config: VlmConfig, data: Path) -> dict:
    """Return what a card has to tell of a run: its configuration and seed, and the checksum of the data's manifest."""
    manifest = data / "manifest.json"
    return {
        "config": config.model_dump(mode="json"),
        "seed": config.training.seed,
        "data_manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.exists() else None,
        "language": "smollm2 of configs/models.yaml",
        "looks with": [f"{name} of configs/models.yaml" for name in NEEDED],
    }


def _named(config: VlmConfig, split: str) -> str:
    looked = f"{config.pictures.model_dump_json()} {config.model.image_tokens} {config.model.tags}"
    return f"{split}-{hashlib.sha256(looked.encode()).hexdigest()[:12]}"


if __name__ == "__main__":
    main()
