"""A base model at tiny size: a real UNet over pictures pooled to 8 × 8, captions as fixed random tokens."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor

from pipelines.mini.alpha import to_pictures, to_tensor
from tests.pipelines.tiny_denoisers import stable_diffusion

SIZE = 16
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "yellow": (230, 220, 30)}


class TinyBase:
    """Latents are the premultiplied picture at half its size."""

    component = "unet"
    name = "tiny@0"

    def __init__(self) -> None:
        self.model = stable_diffusion().model
        self.scheduler = FlowMatchEulerDiscreteScheduler()

    def encode_pictures(self, pictures: np.ndarray) -> Tensor:
        return torch.nn.functional.avg_pool2d(to_tensor(pictures), 2)

    def decode(self, latents: Tensor) -> list[Image.Image]:
        return to_pictures(latents.repeat_interleave(2, 2).repeat_interleave(2, 3))

    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        seeds = [zlib.crc32(caption.encode()) for caption in captions]
        return {"tokens": torch.stack([torch.randn(5, 12, generator=torch.Generator().manual_seed(s)) for s in seeds])}

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        return self.model(latents, timesteps, conditions["tokens"]).sample


def write_identities(folder: Path, individuals: int = 6, views: int = 3) -> None:
    """Write a corpus of rectangles: each individual one colour, the last one held out."""
    rng, pictures, records = np.random.default_rng(0), [], []
    names = list(COLOURS)
    for individual in range(individuals):
        for view in range(views):
            picture = np.zeros((SIZE, SIZE, 4), np.uint8)
            x, y = (3, 3) if view == 0 else rng.integers(0, 6, 2)
            picture[y : y + 10, x : x + 10] = (*COLOURS[names[individual % 4]], 255)
            pictures.append(picture)
            split = "test" if individual == individuals - 1 else "train"
            caption = "a block" if view == 0 else f"a block, view {view}"
            records.append(
                {"identity": f"i{individual}", "view": view, "split": split, "style": "flat", "caption": caption}
            )
    np.save(folder / "identities.npy", np.stack(pictures))
    (folder / "identities.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
