"""Train the small VLM: ``python -m pipelines.assistant.vlm.train --data DIR --out DIR [--pictures N]``.

The data is the corpus of drawings (see README, “Train it yourself”). Image tokens are computed once, kept beside the
checkpoint, and the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipelines.assistant.chat_transformers import TextChat
from pipelines.assistant.vlm.configuration_vlm import DEFAULT_CONFIG, load_config
from pipelines.assistant.vlm.modeling_vlm import image_tokens
from pipelines.assistant.vlm.samples import Depicted
from pipelines.assistant.vlm.training import VlmTrainer
from pipelines.features.image_encoders import ImageEncoder, load_image_encoder
from pipelines.features.preprocessing import FloatArray
from pipelines.resolver import resolve

_CHUNK = 64
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute image tokens, train, and write what was trained."""
    parser = argparse.ArgumentParser(description="Train the projector and the LoRA of the small VLM.")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--data", type=Path, required=True, help="the corpus: identities.jsonl, identities.npy")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, help="use the first so many drawings of the train split only")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = load_config(options.config)
    pictures, rows = depicted(options.data, options.pictures)
    drawings = np.load(options.data / "identities.npy", mmap_mode="r")
    encoder = load_image_encoder("clip-vision", resolve("clip-vision"), threads=options.threads)
    cache = options.out / f"tokens-{config.model.image_tokens}-{len(rows)}.npy"
    features = cached_tokens(drawings, rows, encoder, config.model.image_tokens, cache)
    chat = TextChat.from_gguf(resolve("smollm2"), "smollm2", threads=options.threads)
    trainer = VlmTrainer(chat.model, chat.tokenizer, pictures, torch.from_numpy(features).float(), config, options.out)
    logger.info("written to %s", trainer.train())


def depicted(data: Path, count: int | None) -> tuple[list[Depicted], list[int]]:
    """Read the captions of the train split; return drawings and their rows in the corpus."""
    records = [json.loads(line) for line in (data / "identities.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row, record in enumerate(records) if record["split"] == "train"][:count]
    pictures = [
        Depicted(row=at, kind=records[row]["kind"], caption=records[row]["caption"]) for at, row in enumerate(rows)
    ]
    return pictures, rows


def cached_tokens(
    drawings: np.ndarray, rows: Sequence[int], encoder: ImageEncoder, count: int, cache: Path
) -> FloatArray:
    """Return the image tokens of drawings [N, H, W, 4], float16 [N, count, F], from `cache` where they are kept."""
    if not cache.exists():
        parts = []
        for first in range(0, len(rows), _CHUNK):
            shown = [_on_white(drawings[row]) for row in rows[first : first + _CHUNK]]
            parts.append(image_tokens(shown, encoder, count).astype(np.float16))
            logger.info("image tokens of %d of %d drawings", first + len(shown), len(rows))
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.save(cache, np.concatenate(parts), allow_pickle=False)
    found: FloatArray = np.load(cache, allow_pickle=False)
    return found


def _on_white(pixels: np.ndarray) -> Image.Image:
    drawing = Image.fromarray(np.array(pixels), "RGBA")
    picture = Image.new("RGB", drawing.size, "white")
    picture.paste(drawing, mask=drawing)
    return picture


if __name__ == "__main__":
    main()
