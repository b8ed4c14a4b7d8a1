"""A small VLM at tiny size: the real classes, four drawings, a frozen encoder that sees mean colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.assistant.vlm.configuration_vlm import LessonConfig, VlmConfig, VlmModelConfig
from pipelines.assistant.vlm.depicted import Depicted
from pipelines.assistant.vlm.shown import Album
from pipelines.assistant.vlm.sight import Sight, Tags, image_tokens
from pipelines.features.preprocessing import FloatArray

WIDTH = 6
MODEL = VlmModelConfig(
    image_tokens=4, placeholder="<image>", tags=2, told=2, middle=5, rank=2, alpha=4, targets=("q_proj", "v_proj")
)
LESSONS = LessonConfig(cards=3, noise=0.7, strangers=0.4, unseen=0.2, questions=5)
PICTURES = tuple(
    Depicted(
        row=row,
        kind=kind,
        colours=("red", "blue")[: 1 + row % 2],
        wearing="crown" if row % 2 else "",
        company="cactus" if row == 2 else "",
        place="at the beach" if row == 3 else "",
    )
    for row, kind in enumerate(("fox", "owl", "mug", "hat"))
)


TAGS = tuple(Tags(kinds=(one.kind, "toy"), colours=one.colours) for one in PICTURES)


class MeanColours:
    """Looks at pictures as `Patches` does, and takes all of them for a red fox."""

    def see(self, picture: Image.Image, alpha: Image.Image | None = None) -> Sight:
        return Sight(tokens=image_tokens([picture], Patches(), 4)[0], tags=TAGS[0])  # type: ignore[arg-type]


class Patches:
    """A frozen encoder of 3 × 3 patches and a class token, each the mean colour of the picture."""

    def tokens(self, images: list[Image.Image]) -> FloatArray:
        colours = np.stack([np.asarray(image.convert("RGB"), np.float32).mean((0, 1)) / 255 for image in images])
        return np.tile(np.concatenate([colours, colours], axis=1)[:, None], (1, 10, 1))


def config(**changes: Any) -> VlmConfig:
    """The settings of a tiny run; `changes` are of its training."""
    training = {
        "steps": 24, "batch": 2, "base": "float32", "learning_rate": 0.02, "language_learning_rate": 0.02, "clip": 1.0,
        "log_every": 4, "save_every": 8, "seed": 1,
    }  # fmt: skip
    return VlmConfig.model_validate(
        {
            "model": MODEL,
            "pictures": {
                "counts": {"index": 2, "scenes": 1},
                "groups": ["animals"],
                "photographed": 0.5,
                "seed": 1,
            },
            "lessons": LESSONS,
            "words": {"steps": 20, "batch": 2, "learning_rate": 0.02, "sharpness": 8.0},
            "training": training | changes,
        }
    )


def features() -> torch.Tensor:
    """Image tokens of the four drawings, seeded."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((4, 4, WIDTH)).astype(np.float32))


def album() -> Album:
    """The four drawings as they are learned from."""
    return Album(shows=PICTURES, tags=TAGS, tokens=features())


def write_corpus(folder: Path) -> None:
    """Write a corpus of three plain drawings, one of them held out, a scene of one of them and an individual."""
    fox = np.zeros((16, 16, 4), np.uint8)
    fox[4:12, 4:12] = (230, 30, 30, 255)
    owl, mug = np.zeros_like(fox), np.zeros_like(fox)
    owl[2:14, 2:14] = (40, 90, 200, 255)
    mug[6:10, 6:10] = (60, 150, 60, 255)
    scene = np.full((16, 16, 4), 255, np.uint8)
    plain = [
        {
            "concept": f"1f{at}",
            "style": "flat",
            "split": split,
            "group": "animals",
            "names": [name],
            "captions": [f"a {name}"],
        }
        for at, (name, split) in enumerate((("fox", "train"), ("owl", "train"), ("mug", "test")))
    ]  # fmt: skip
    scenes = [
        {
            "concept": "fox", "style": "flat", "split": "train", "colours": [], "box": [0.1, 0.2, 0.6, 0.9],
            "captions": ["a fox wearing a top hat next to a birthday cake at the beach, flat style"],
        }
    ]  # fmt: skip
    individuals = [
        {"identity": "one", "style": "flat", "split": split, "kind": "owl", "caption": caption, "box": [0, 0, 1, 1]}
        for split, caption in (("train", "an owl, flat style"), ("train", "an owl riding a sled on a pink background"))
    ]
    parts = {"index": ([fox, owl, mug], plain), "scenes": ([scene], scenes), "identities": ([owl, scene], individuals)}
    for part, (pictures, records) in parts.items():
        np.save(folder / f"{part}.npy", np.stack(pictures))
        (folder / f"{part}.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
