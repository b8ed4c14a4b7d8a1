"""A library of drawings to make sketches from: retrieval-augmented diffusion for models too small to know all shapes.

The denoiser gets, beside the noisy latents, the latents of a sketch that is laid out from drawings of this library
(after Blattmann et al. 2022, "Retrieval-Augmented Diffusion Models"); see `pipelines.mini.sketching`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines.mini.alike import DrawingLooks, Look, most_alike

QUALITY = 90  # of the stored WebP pictures


class DrawingLibrary:
    """Drawings by name and style.

    Args:
        data: the WebP files one behind the other, uint8 [bytes].
        ends: where each file ends in `data`, int64 [M].
        concepts: [M], row of `names` for each drawing.
        styles: [M], row of `style_words` for each drawing.
        embeddings: mean text features of the names, [K, D], unit length.
        names: K names, lower case.
        style_words: name of a style → the words that ask for it in a prompt.
        mirrors: names of what looks right in a mirror too: no writing, no flags.
        held_out: names that training never saw; they can be drawn all the same, since a sketch shows their shape.
        heads: name → name of a style → where the head of that drawing is, in shares of its edge: the middle of its top,
            from the left and from above, and its width. Only of drawings whose outline does not tell.
        looks: of the drawings of each name; None: they are not known.
    """

    def __init__(  # noqa: PLR0913 - the entries of its two files
        self,
        *,
        data: Tensor,
        ends: Tensor,
        concepts: Tensor,
        styles: Tensor,
        embeddings: Tensor,
        names: Sequence[str],
        style_words: dict[str, list[str]],
        mirrors: Collection[str] = (),
        held_out: Collection[str] = (),
        heads: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
        looks: DrawingLooks | None = None,
    ) -> None:
        self._tensors = {"data": data, "ends": ends, "concepts": concepts, "styles": styles, "embeddings": embeddings}
        self.names, self.style_words = list(names), style_words
        self.mirrors, self.held_out = frozenset(mirrors), frozenset(held_out)
        self.heads = {name: {style: list(head) for style, head in of.items()} for name, of in (heads or {}).items()}
        self.looks = looks
        self._rows = {(int(c), int(s)): row for row, (c, s) in enumerate(zip(concepts, styles, strict=True))}
        self._by_name = {name: row for row, name in enumerate(self.names)}
        self._read = lru_cache(maxsize=256)(self._decode)

    @classmethod
    def of(
        cls, pictures: Sequence[np.ndarray], *, concepts: Sequence[int], styles: Sequence[int], **entries
    ) -> DrawingLibrary:
        """Make a library of pictures, straight-alpha uint8 [S, S, 4] each; `entries` are the other arguments."""
        files = [_webp(picture) for picture in pictures]
        return cls(
            data=torch.frombuffer(bytearray(b"".join(files)), dtype=torch.uint8),
            ends=torch.tensor([len(file) for file in files]).cumsum(0),
            concepts=torch.tensor(concepts, dtype=torch.int32),
            styles=torch.tensor(styles, dtype=torch.int32),
            **entries,
        )

    @property
    def meanings(self) -> Tensor:
        """Mean text features of the names, float32 [K, D] of unit length."""
        return self._tensors["embeddings"].float()

    def has(self, name: str) -> bool:
        """Whether there is a drawing of that very name."""
        return name in self._by_name

    def asked_style(self, prompt: str) -> int | None:
        """Return the style that the prompt's words ask for; None where it leaves that open."""
        text = prompt.casefold()
        for row, words in enumerate(self.style_words.values()):
            if any(word in text for word in words):
                return row
        return None

    def concept(self, name: str) -> int | None:
        """Return the concept of that very name; None where there is none."""
        return self._by_name.get(name)

    def nearest_concept(self, embedding: Tensor, look: Look | None = None) -> int:
        """Return the concept whose name is nearest in meaning to a text embedding [D].

        With the `look` of a thing, likeness of the drawings to it counts as well, see `pipelines.mini.alike`.
        """
        likeness = self.meanings @ embedding.float().cpu()
        known = torch.tensor([name in self._by_name for name in self.names])
        meanings = likeness.masked_fill(~known, -torch.inf)
        if look is None or self.looks is None:
            return int(meanings.argmax())
        return most_alike(meanings.numpy(), self.looks.likeness(look))

    def drawn_styles(self, concept: int) -> list[int]:
        """Return the styles in which a concept is drawn."""
        return sorted(style for (c, style) in self._rows if c == concept)

    def picture(self, concept: int, style: int) -> Image.Image:
        """Return a drawing, RGBA; where the concept is not drawn in that style, in the first one that there is."""
        return self._read(self._rows[concept, self._shown(concept, style)])

    def head(self, concept: int, style: int) -> tuple[float, float, float] | None:
        """Return where the head of the drawing that `picture` gives is, see `heads`; None where that is not known."""
        of = self.heads.get(self.names[concept], {})
        head = of.get(list(self.style_words)[self._shown(concept, style)])
        return None if head is None else (head[0], head[1], head[2])

    def _shown(self, concept: int, style: int) -> int:
        return style if (concept, style) in self._rows else self.drawn_styles(concept)[0]

    def without(self, names: Collection[str]) -> DrawingLibrary:
        """Return a library in which some names are unknown: what they would be drawn after is their neighbour."""
        gone = {self._by_name[name] for name in names if name in self._by_name}
        kept = [row for row, concept in enumerate(self._tensors["concepts"].tolist()) if concept not in gone]
        left = DrawingLibrary(
            **self._tensors,
            names=self.names, style_words=self.style_words, mirrors=self.mirrors, held_out=self.held_out,
            heads=self.heads, looks=self.looks,
        )  # fmt: skip
        left._rows = {key: row for key, row in self._rows.items() if row in set(kept)}
        left._by_name = {name: row for name, row in self._by_name.items() if row not in gone}
        return left

    def _decode(self, row: int) -> Image.Image:
        ends = self._tensors["ends"]
        start = int(ends[row - 1]) if row else 0
        data = bytes(self._tensors["data"][start : int(ends[row])].numpy())
        with Image.open(io.BytesIO(data), formats=["WEBP"]) as picture:
            return picture.convert("RGBA")

    def save_pretrained(self, folder: Path) -> None:
        """Write ``drawings.safetensors`` and ``drawings.json``, and what they look like where that is known."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in self._tensors.items()}, folder / "drawings.safetensors")
        entries = {
            "names": self.names,
            "style_words": self.style_words,
            "mirrors": sorted(self.mirrors),
            "held_out": sorted(self.held_out),
            "heads": self.heads,
        }
        (folder / "drawings.json").write_text(json.dumps(entries) + "\n")
        if self.looks is not None:
            self.looks.save(folder)

    @classmethod
    def from_pretrained(cls, folder: Path) -> DrawingLibrary:
        """Read what `save_pretrained` wrote."""
        entries = json.loads((folder / "drawings.json").read_text())
        return cls(**load_file(folder / "drawings.safetensors"), **entries, looks=DrawingLooks.read(folder))


def _webp(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(file, "WEBP", quality=QUALITY, method=2)
    return file.getvalue()
