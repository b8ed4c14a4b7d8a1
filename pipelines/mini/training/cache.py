"""Encodes what is frozen once: pictures to latents and captions to token features, as arrays beside the corpus."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC
from transformers import AutoTokenizer, BertModel

from pipelines.mini.alpha import to_tensor
from pipelines.mini.data.writer import read_corpus
from pipelines.mini.text import encode_tokens
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)
PARTS = {"index": 4, "recolours": 2, "scenes": 1}  # captions kept of each picture
MOVED = 3  # scenes of a subject elsewhere or tilted: their captions do not say so, the denoiser leaves them out
EMPTY = ""


def train(config: dict, data: Path, out: Path) -> None:
    """Write latents, captions, their tokens and lengths, and which latent goes with which caption, to ``out/cache``."""
    folder = out / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(config["seed"])
    parts = read_corpus(data, PARTS)
    captions: dict[str, int] = {EMPTY: 0}
    samples: list[tuple[int, int, int, int]] = []  # latent row, caption row, part, latent row of the drawing it shows
    pictures: list[tuple[int, int]] = []
    drawn: dict[tuple[str, str], int] = {}  # (concept or its name, style) → latent row of the plain drawing
    for part, ((_, records), kept) in enumerate(zip(parts, PARTS.values(), strict=True)):
        for row, record in enumerate(records):
            if record["split"] != "train" or record["style"] not in config["denoiser"]["styles"]:
                continue
            chosen = record["captions"] if len(record["captions"]) <= kept else _choose(record["captions"], kept, rng)
            if part == 0:
                drawn |= {(key, record["style"]): len(pictures) for key in (record["concept"], record["names"][0])}
            shown = drawn.get((record["concept"], record["style"]), -1)
            kind = MOVED if record.get("kind") == "moved" else part
            samples += [(len(pictures), captions.setdefault(text, len(captions)), kind, shown) for text in chosen]
            pictures.append((part, row))
    np.save(folder / "samples.npy", np.array(samples, np.int32))
    (folder / "captions.json").write_text(json.dumps(list(captions)))
    if _rows_of(folder / "latents.npy") != len(pictures):
        _write_latents(out / "vae", parts, pictures, folder, config["size"])
    if _rows_of(folder / "tokens.npy") != len(captions):
        _write_tokens(list(captions), config["text_length"], folder)


def _rows_of(array: Path) -> int:
    return len(np.load(array, mmap_mode="r")) if array.exists() else -1


def _choose(captions: list[str], kept: int, rng: np.random.Generator) -> list[str]:
    """Keep the plain name and others at random: the shortest prompt is the commonest."""
    others = rng.choice(len(captions) - 1, size=kept - 1, replace=False) + 1
    return [captions[0]] + [captions[int(i)] for i in others]


@torch.no_grad()
def _write_latents(vae: Path, parts: list, pictures: list[tuple[int, int]], folder: Path, size: int) -> None:
    batch = 128
    model = AutoencoderDC.from_pretrained(vae).eval().to(memory_format=torch.channels_last)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    latents: np.ndarray | None = None
    for start in range(0, len(pictures), batch):
        rows = pictures[start : start + batch]
        values = to_tensor(np.stack([parts[part][0][row] for part, row in rows]), size).to(
            device, memory_format=torch.channels_last
        )
        with torch.autocast(device, torch.bfloat16):
            encoded = model.encode(values).latent
        scaled = (encoded.float() * model.config.scaling_factor).half().cpu().numpy()
        if latents is None:
            latents = np.empty((len(pictures), *scaled.shape[1:]), np.float16)
        latents[start : start + len(rows)] = scaled
    assert latents is not None
    np.save(folder / "latents.npy", latents)
    logger.info(
        "latents: %s, mean %.3f, std %.3f",
        latents.shape,
        latents.astype(np.float32).mean(),
        latents.astype(np.float32).std(),
    )


@torch.no_grad()
def _write_tokens(captions: list[str], length: int, folder: Path, batch: int = 256) -> None:
    source = resolve("minilm")
    tokenizer = AutoTokenizer.from_pretrained(source)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = BertModel.from_pretrained(source, add_pooling_layer=False).eval().to(device)
    # texts of one length together: less padding
    order = sorted(range(len(captions)), key=lambda row: len(captions[row]))
    tokens = np.zeros((len(captions), length, encoder.config.hidden_size), np.float16)
    lengths = np.zeros(len(captions), np.int16)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        with torch.autocast(device, torch.bfloat16):
            features, mask = encode_tokens(encoder, tokenizer, [captions[row] for row in rows], length)
        tokens[rows] = features.half().cpu().numpy()
        lengths[rows] = mask.sum(dim=1).cpu().numpy()
    np.save(folder / "tokens.npy", tokens)
    np.save(folder / "lengths.npy", lengths)
    logger.info("tokens: %s", tokens.shape)
