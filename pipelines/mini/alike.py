"""Which drawing a thing is drawn after where the library has none of that name: the one that it looks most like.

By meaning alone a mug is drawn after a beer mug, a bowl after bowling and every toy after a teddy bear. The photos know
better: their class tokens of the frozen image encoder, which the hypernetwork reads anyhow, are compared with those of
all drawings, and meaning counts beside. What is stored of the drawings are 8-bit values along the main directions in
which drawings differ.

    python -m pipelines.mini.alike --base assets/mini

writes ``looks.safetensors`` beside the drawings.

Shape legend: K names, D = 768 values of a class token, E directions.
"""

from __future__ import annotations

import argparse
import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from pipelines.hyperlora.references import LOOK_DIM, look_of, reference_tokens
from pipelines.lora import LOOK, LoraFactors

FILE = "looks.safetensors"
DIRECTIONS = 64
# What the cosine of meanings counts beside that of looks: 0.2, 0.5 and 1 were looked at on 15 photo subjects.
MEANING = 0.5
Look = NDArray[np.float32]
"""What something looks like, [D]: mean class token of its pictures."""


def look_to_text(look: Look) -> str:
    """Return a look as text for the metadata of a file: 8 bits a value, base64."""
    scaled = np.round(look / max(float(np.abs(look).max()), 1e-6) * 127).astype(np.int8)
    return base64.b64encode(scaled.tobytes()).decode("ascii")


def text_to_look(text: str) -> Look | None:
    """Return the look that `look_to_text` wrote, but for its length; None where the text is none such."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    except (binascii.Error, ValueError):
        return None
    return values.astype(np.float32) if len(values) == LOOK_DIM and values.any() else None


def look_of_lora(lora: LoraFactors | None) -> Look | None:
    """Return what the subject of a personal LoRA looks like; None where its metadata do not say."""
    return None if lora is None else text_to_look(lora.metadata.get(LOOK, ""))


@dataclass(frozen=True, eq=False)
class DrawingLooks:
    """What the drawings of a library look like.

    Attributes:
        mean: of all of them, [D].
        directions: orthonormal, [E, D].
        looks: of each name, along the directions and of unit length, [K, E].
    """

    mean: Look
    directions: Look
    looks: Look

    @classmethod
    def of(cls, tokens: Look, directions: int = DIRECTIONS) -> Self:
        """Find the main directions in which class tokens [K, D] of drawings differ."""
        mean = tokens.mean(axis=0)
        centred = tokens - mean
        found = np.linalg.svd(centred, full_matrices=False)[2][:directions]
        return cls(mean, found, _unit(np.dot(centred, found.T)))

    def likeness(self, look: Look) -> NDArray[np.float32]:
        """Return the cosine [K] of every name's drawings with something that looks so."""
        along: Look = np.dot(self.directions, _standard(look) - self.mean)
        cosines: NDArray[np.float32] = np.dot(self.looks, _unit(along))
        return cosines

    def save(self, folder: Path) -> None:
        """Write ``looks.safetensors``."""
        entries = {}
        for name, values in (("directions", self.directions), ("looks", self.looks)):
            scale = np.abs(values).max(axis=1, keepdims=True) / 127
            entries[name] = torch.from_numpy(np.round(values / scale).astype(np.int8))
            entries[f"{name}_scale"] = torch.from_numpy(scale.astype(np.float16))
        save_file(entries | {"mean": torch.from_numpy(self.mean.astype(np.float16))}, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read what `save` wrote; None where nothing was."""
        if not (folder / FILE).is_file():
            return None
        entries = {name: value.float().numpy() for name, value in load_file(folder / FILE).items()}
        directions, looks = (entries[name] * entries[f"{name}_scale"] for name in ("directions", "looks"))
        return cls(entries["mean"], directions, looks)


def most_alike(meanings: NDArray[np.float32], looks: NDArray[np.float32]) -> int:
    """Return the name to draw after.

    Args:
        meanings: cosine of each name with the words for the thing, [K]; -inf: not to be chosen.
        looks: cosine of each name's drawings with its photos, [K].
    """
    return int((looks + MEANING * meanings).argmax())


def _unit(values: Look) -> Look:
    unit: Look = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6)
    return unit


def _standard(look: Look) -> Look:
    """Return a look with mean 0 and variance 1, as class tokens are read."""
    standard: Look = (look - look.mean()) / (look.std() + 1e-5)
    return standard


def main() -> None:
    """Look at all drawings of a base's library and write what they look like."""
    from pipelines.features.image_encoders import ClipVisionEncoder
    from pipelines.mini.library import DrawingLibrary
    from pipelines.resolver import resolve

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    folder = parser.parse_args().base / "library"
    library, encoder = DrawingLibrary.from_pretrained(folder), ClipVisionEncoder(resolve("clip-vision"))
    seen = [
        look_of(reference_tokens([library.picture(name, style) for style in library.drawn_styles(name)], encoder))
        for name in range(len(library.names))
    ]
    DrawingLooks.of(np.stack(seen)).save(folder)


if __name__ == "__main__":
    main()
