"""Makes the library of drawings that the denoiser looks at from the cached latents; no held-out concept is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import yaml

from pipelines.mini.data.writer import read_records
from pipelines.mini.library import DrawingLibrary, to_int8
from pipelines.mini.loading import load_text_encoder
from pipelines.mini.text import mean_features
from pipelines.resolver import resolve


def train(config: dict, data: Path, out: Path) -> None:
    """Write ``out/library`` (it is one of the stages, hence its name); the cache must be there."""
    styles = config["denoiser"]["styles"]
    records = [r for r in read_records(data / "index.jsonl") if r["split"] == "train" and r["style"] in styles]
    names = sorted({record["names"][0] for record in records})
    rows = {name: row for row, name in enumerate(names)}
    words = yaml.safe_load(Path(config["data"]).read_text())["styles"]
    latents = np.load(out / "cache" / "latents.npy", mmap_mode="r")[: len(records)]  # plain drawings come first
    library = DrawingLibrary(
        latents=to_int8(torch.from_numpy(np.array(latents))),
        concepts=torch.tensor([rows[record["names"][0]] for record in records], dtype=torch.int32),
        styles=torch.tensor([styles.index(record["style"]) for record in records], dtype=torch.int32),
        embeddings=mean_features(*load_text_encoder(resolve("minilm")), names).half(),
        names=names,
        style_words={style: words[style]["words"] for style in styles},
    )
    library.save_pretrained(out / "library")
