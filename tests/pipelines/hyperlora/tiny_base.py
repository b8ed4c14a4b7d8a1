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

from pipelines.hyperlora.denoising import FlowMatching
from pipelines.lora import COAT, LoraFactors
from pipelines.mini.alpha import to_pictures, to_tensor
from tests.pipelines.tiny_denoisers import stable_diffusion

SIZE = 16
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "yellow": (230, 220, 30)}


class TinyBase(FlowMatching):
    """Latents are the premultiplied picture at half its size; a sketch is one colour for each caption, or grey.

    Args:
        sketches: whether the base is shown sketches; `predict` sees them added to the latents.
    """

    component = "unet"
    name = "tiny@0"

    def __init__(self, *, sketches: bool = False) -> None:
        self._sketches = sketches
        self.asked: list[tuple[tuple[str, ...], list[str] | None]] = []
        self.model = stable_diffusion().model
        self.scheduler = FlowMatchEulerDiscreteScheduler()

    def encode_pictures(self, pictures: np.ndarray) -> Tensor:
        return torch.nn.functional.avg_pool2d(to_tensor(pictures), 2)

    def decode(self, latents: Tensor) -> list[Image.Image]:
        return to_pictures(latents.repeat_interleave(2, 2).repeat_interleave(2, 3))

    def encode_text(self, captions: Sequence[str]) -> dict[str, Tensor]:
        seeds = [zlib.crc32(caption.encode()) for caption in captions]
        return {"tokens": torch.stack([torch.randn(5, 12, generator=torch.Generator().manual_seed(s)) for s in seeds])}

    def sketch(
        self, captions: Sequence[str], loras: Sequence[LoraFactors] | None = None, fidelity: float = 1.0
    ) -> dict[str, Tensor]:
        self.asked.append((tuple(captions), [lora.metadata[COAT] for lora in loras] if loras else None))
        if not self._sketches:
            return {}
        values = [0.5 if loras else zlib.crc32(caption.encode()) / 2**32 for caption in captions]
        return {"sketch": torch.tensor(values)[:, None, None, None].expand(-1, 4, 8, 8).clone()}

    def predict(self, latents: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        shown = conditions.get("sketch", torch.zeros(1)).to(latents)
        return self.model(latents + shown, timesteps, conditions["tokens"]).sample


def write_identities(folder: Path, individuals: int = 6, views: int = 3, *, sketches: bool = False) -> None:
    """Write a corpus of rectangles: each individual one colour, the last one held out; their sketches are grey."""
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
    if sketches:
        greys = np.stack(pictures)
        greys[..., :3] = np.where(greys[..., 3:] > 0, 158, 0)
        np.save(folder / "identities_sketches.npy", greys)
        np.save(folder / "identities_greys.npy", greys // 2)
    (folder / "identities.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
