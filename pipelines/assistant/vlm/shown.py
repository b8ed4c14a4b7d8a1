"""Drawings as a person's picture might hold them: as they are, or as if photographed before things and patterns.

Shape legend: N pictures, T tokens of a picture, F width of a token.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from pipelines.assistant.vlm.configuration_vlm import PicturesConfig
from pipelines.assistant.vlm.depicted import Corpus, Depicted, Drawn, chosen
from pipelines.assistant.vlm.sight import Eyes, Sight, Tags
from pipelines.hyperlora.identities import photo_like
from pipelines.mini.photographed import photographed
from pipelines.recognition.regions import WHOLE, Box

EDGE = 224
_SEEN = 127  # alpha from which a pixel counts as opaque
_OPAQUE = 0.98  # share of opaque pixels from which a picture has its own ground
_CLUTTER = 3  # drawings in a cluttered ground
_REPORT = 200  # pictures between two lines of the log
logger = logging.getLogger(__name__)


def as_drawn(pixels: np.ndarray) -> Image.Image:
    """Return a drawing [S, S, 4] on white."""
    drawing = Image.fromarray(pixels, "RGBA")
    picture = Image.new("RGB", drawing.size, "white")
    picture.paste(drawing, mask=drawing)
    return picture


def as_photo(pixels: np.ndarray, others: list[np.ndarray], rng: np.random.Generator) -> tuple[Image.Image, Box]:
    """Return a drawing as if it had been photographed somewhere, and the part of the picture that it takes.

    Args:
        pixels: the drawing, uint8 [S, S, 4].
        others: further drawings, which may lie about in the background.
        rng: draws light, softness, tilt, place and ground.
    """
    if (pixels[..., 3] > _SEEN).mean() > _OPAQUE:
        return as_drawn(photographed(pixels, rng)).resize((EDGE, EDGE), Image.Resampling.BICUBIC), WHOLE
    seen = photo_like(Image.fromarray(photographed(pixels, rng), "RGBA"), rng)
    seen = seen.crop(seen.getchannel("A").getbbox() or (0, 0, *seen.size))
    scale = EDGE * rng.uniform(0.5, 0.95) / max(seen.size)
    seen = seen.resize(
        (max(1, round(seen.width * scale)), max(1, round(seen.height * scale))), Image.Resampling.BICUBIC
    )
    picture = _ground(others, rng)
    left, top = (int(rng.integers(0, EDGE - side + 1)) for side in seen.size)
    picture.paste(seen, (left, top), seen)
    box = (left / EDGE, top / EDGE, (left + seen.width) / EDGE, (top + seen.height) / EDGE)
    return picture, box


def _ground(others: list[np.ndarray], rng: np.random.Generator) -> Image.Image:
    """Return a ground: two colours running into each other, patterned, with blurred things in half of the cases."""
    first, second = (rng.uniform(20, 245, 3) * 0.5 + rng.uniform(20, 245) * 0.5 for _ in range(2))
    angle, axis = rng.uniform(0, 2 * np.pi), np.linspace(-1, 1, EDGE)
    ramp = (axis[None, :] * np.cos(angle) + axis[:, None] * np.sin(angle))[..., None] / 2.83 + 0.5
    cells = int(rng.integers(4, 60))
    coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32), "F").resize((EDGE, EDGE))
    values = first * ramp + second * (1 - ramp) + rng.uniform(0, 22) * np.asarray(coarse)[..., None]
    ground = Image.fromarray(values.clip(0, 255).astype(np.uint8), "RGB")
    if rng.random() < 0.5:
        for other in others:
            thing = Image.fromarray(other, "RGBA").resize((int(rng.integers(50, 150)),) * 2)
            left, top = (int(place) for place in rng.integers(-30, EDGE - 60, 2))
            ground.paste(thing, (left, top), thing)
        ground = ground.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.5, 5))))
    return ground


@dataclass(frozen=True, kw_only=True)
class Album:
    """Pictures to learn from: what each shows, its tags, and the image tokens of all, [N, T, F]."""

    shows: tuple[Depicted, ...]
    tags: tuple[Tags, ...]
    tokens: Tensor

    def tells(self, one: Depicted) -> bool:
        """Say whether the tags of a picture tell its kind."""
        return one.kind in self.tags[one.row].kinds


def prepared(
    corpus: Corpus,
    config: PicturesConfig,
    split: str,
    eyes: Callable[[], Eyes],
    kinds: Container[str] | None,
    kept: Path,
) -> Album:
    """Choose pictures, look at them, and keep the sights; the second call reads what the first kept.

    Args:
        corpus: of drawings.
        config: which of them, and how they are shown.
        split: ``train`` or ``test``.
        eyes: opens what looks at them; asked only where nothing is kept.
        kinds: only pictures of these; None: of any.
        kept: beginning of the names of two files, ``.npy`` and ``.jsonl``.
    """
    tokens, index = (kept.parent / f"{kept.name}{suffix}" for suffix in (".npy", ".jsonl"))
    if not index.exists():
        drawn = list(chosen(corpus, config.counts, split, config.seed, kinds))
        looked = eyes()
        lines, parts = [], []
        for at, one in enumerate(drawn):
            sight, box = _seen(corpus, drawn, at, config, looked)
            parts.append(sight.tokens.astype(np.float16))
            shows = dataclasses.replace(one.shows, box=box)
            lines.append({"shows": dataclasses.asdict(shows), "tags": dataclasses.asdict(sight.tags)})
            if (at + 1) % _REPORT == 0:
                logger.info("looked at %d of %d pictures", at + 1, len(drawn))
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(tokens, np.stack(parts), allow_pickle=False)
        index.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    records = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    return Album(
        shows=tuple(_depicted(record["shows"]) for record in records),
        tags=tuple(Tags(**{name: tuple(words) for name, words in record["tags"].items()}) for record in records),
        tokens=torch.from_numpy(np.load(tokens, allow_pickle=False)).float(),
    )


def _seen(corpus: Corpus, drawn: Sequence[Drawn], at: int, config: PicturesConfig, eyes: Eyes) -> tuple[Sight, Box]:
    """Return the sight of a picture and where its subject is; a drawing's own transparency says what stands out."""
    one = drawn[at]
    rng = np.random.default_rng([config.seed, at])
    pixels = corpus.pixels(one.part, one.at)
    if rng.random() >= config.photographed:
        cut_out = (pixels[..., 3] > _SEEN).mean() <= _OPAQUE
        return eyes.see(as_drawn(pixels), Image.fromarray(pixels[..., 3]) if cut_out else None), one.shows.box
    others = [drawn[int(other)] for other in rng.integers(len(drawn), size=_CLUTTER)]
    picture, box = as_photo(pixels, [corpus.pixels(other.part, other.at) for other in others], rng)
    return eyes.see(picture), box


def _depicted(record: dict) -> Depicted:
    left, top, right, bottom = record["box"]
    return Depicted(**record | {"colours": tuple(record["colours"]), "box": (left, top, right, bottom)})
