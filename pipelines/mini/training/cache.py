"""Encodes what is frozen once: pictures to latents and captions to token features, as arrays beside the corpus."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC
from transformers import AutoTokenizer, BertModel

from pipelines.mini.alpha import to_tensor
from pipelines.mini.colours import in_greys
from pipelines.mini.data.writer import read_corpus
from pipelines.mini.photographed import photographed
from pipelines.mini.text import encode_tokens
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)
CAPTIONS = {"index": 4, "recolours": 2, "scenes": 1}  # captions kept of each picture
# What the denoiser is shown of a plain drawing (the drawing itself, without its colours, as a photo, another hand's)
# and of a recoloured one, and how often.
SKETCHES_OF_DRAWINGS = {"index": 0.36, "greys": 0.26, "photographed": 0.28, "other": 0.1}
SKETCHES_OF_RECOLOURS = {"greys": 0.85, "index": 0.15}
EMPTY = ""


@dataclass(frozen=True, eq=False)
class Shelf:
    """Some pictures of the corpus to be encoded, in order, under a name."""

    name: str
    pictures: np.ndarray
    rows: list[int]
    change: Callable[[np.ndarray, int], np.ndarray] | None = None

    def read(self, part: slice) -> np.ndarray:
        """Return some of the pictures, uint8 [N, S, S, 4]."""
        found = [np.asarray(self.pictures[row]) for row in self.rows[part]]
        if self.change is not None:
            found = [self.change(picture, row) for picture, row in zip(found, self.rows[part], strict=True)]
        return np.stack(found)


def train(config: dict, data: Path, out: Path) -> None:
    """Write what training reads to ``out/cache``: latents by shelf, captions with their tokens, and the samples.

    A sample is (row of the picture, row of the caption, part, row of the sketch or -1); rows count through all shelves
    in the order of ``shelves.json``.
    """
    folder = out / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    styles = config["denoiser"]["styles"]
    parts = {name: read_corpus(data, [name])[0] for name in CAPTIONS}
    kept = {
        name: [row for row, r in enumerate(records) if r["split"] == "train" and r["style"] in styles]
        for name, (_, records) in parts.items()
    }
    sketches = np.load(data / "scenes_sketches.npy", mmap_mode="r")
    index = parts["index"][0]
    shelves = [
        Shelf("index", index, kept["index"]),
        Shelf("greys", index, kept["index"], lambda picture, _: in_greys(picture)),
        Shelf("photographed", index, kept["index"], partial(_photographed, config["seed"])),
        Shelf("recolours", parts["recolours"][0], kept["recolours"]),
        Shelf("scenes", parts["scenes"][0], kept["scenes"]),
        Shelf("scenes_sketches", sketches, kept["scenes"]),
    ]
    captions, samples = _samples(parts, kept, np.random.default_rng(config["seed"]))
    np.save(folder / "samples.npy", samples)
    (folder / "captions.json").write_text(json.dumps(captions))
    (folder / "shelves.json").write_text(json.dumps([shelf.name for shelf in shelves]))
    for shelf in shelves:
        if _rows_of(folder / f"{shelf.name}.npy") != len(shelf.rows):
            _write_latents(out / "vae", shelf, folder, config["size"])
    if _rows_of(folder / "tokens.npy") != len(captions):
        _write_tokens(captions, config["text_length"], folder)


def _photographed(seed: int, picture: np.ndarray, row: int) -> np.ndarray:
    return photographed(picture, np.random.default_rng([seed, row]))


def _samples(
    parts: dict[str, tuple[np.ndarray, list[dict]]], kept: dict[str, list[int]], rng: np.random.Generator
) -> tuple[list[str], np.ndarray]:
    """Return the captions, the empty one first, and the samples int32 [M, 4]."""
    drawings = len(kept["index"])
    starts = {"index": 0, "greys": drawings, "photographed": 2 * drawings, "recolours": 3 * drawings}
    starts["scenes"] = starts["recolours"] + len(kept["recolours"])
    captions: dict[str, int] = {EMPTY: 0}
    samples: list[tuple[int, int, int, int]] = []
    drawn: dict[str, dict[str, int]] = {}  # concept → style → place among the drawings
    for place, row in enumerate(kept["index"]):
        record = parts["index"][1][row]
        drawn.setdefault(record["concept"], {})[record["style"]] = place

    def sketch(place: int, record: dict, weights: dict[str, float]) -> int:
        kind = str(rng.choice(list(weights), p=list(weights.values())))
        if kind == "other":
            others = [p for style, p in drawn[record["concept"]].items() if style != record["style"]]
            return int(rng.choice(others)) if others else place
        return starts[kind] + place

    for number, (name, most) in enumerate(CAPTIONS.items()):
        for place, row in enumerate(kept[name]):
            record = parts[name][1][row]
            chosen = record["captions"] if len(record["captions"]) <= most else _choose(record["captions"], most, rng)
            for text in chosen:
                if name == "index":
                    shown = sketch(place, record, SKETCHES_OF_DRAWINGS)
                elif name == "recolours":
                    shown = sketch(drawn[record["concept"]][record["style"]], record, SKETCHES_OF_RECOLOURS)
                else:
                    shown = starts["scenes"] + len(kept["scenes"]) + place
                samples.append((starts[name] + place, captions.setdefault(text, len(captions)), number, shown))
    return list(captions), np.array(samples, np.int32)


def _rows_of(array: Path) -> int:
    return len(np.load(array, mmap_mode="r")) if array.exists() else -1


def _choose(captions: list[str], kept: int, rng: np.random.Generator) -> list[str]:
    """Keep the plain name and others at random: the shortest prompt is the commonest."""
    others = rng.choice(len(captions) - 1, size=kept - 1, replace=False) + 1
    return [captions[0]] + [captions[int(i)] for i in others]


@torch.no_grad()
def _write_latents(vae: Path, shelf: Shelf, folder: Path, size: int, batch: int = 64) -> None:
    model = AutoencoderDC.from_pretrained(vae).float().eval().to(memory_format=torch.channels_last)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    found = []
    for start in range(0, len(shelf.rows), batch):
        values = to_tensor(shelf.read(slice(start, start + batch)), size).to(device, memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            encoded = model.encode(values).latent
        found.append((encoded.float() * model.config.scaling_factor).half().cpu().numpy())
    latents = np.concatenate(found)
    np.save(folder / f"{shelf.name}.npy", latents)
    spread = latents.astype(np.float32).std()
    logger.info("%s: latents %s, std %.3f", shelf.name, latents.shape, spread)


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
