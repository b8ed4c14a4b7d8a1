"""A library of drawings that the denoiser looks at: retrieval-augmented diffusion for models too small for all shapes.

The denoiser gets, beside the noisy latents, the latents of the drawing that the prompt's subject names (Blattmann et
al. 2022, "Retrieval-Augmented Diffusion Models"); what the prompt changes about it, it has to draw itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertModel, PreTrainedTokenizerBase

from pipelines.mini.text import mean_features

RANGE = 4.0  # latents have unit variance; what lies beyond is clipped when they are stored as int8
_STARTERS = re.compile(r"^(?:a sticker of |a picture of |a drawing of )?(?:an? |the |my |some )?", re.IGNORECASE)
# "and" joins two things where an article follows, two colours of one thing where none does.
_JOINTS = re.compile(r",| wearing | with | next to | and (?=an? |the |my )| in | at | on | under ", re.IGNORECASE)


def head(prompt: str) -> str:
    """Return the part of a prompt that names its subject: "a blue dog wearing a hat, flat style" gives "blue dog"."""
    text = _STARTERS.sub("", prompt.strip(), count=1)
    return _JOINTS.split(text, maxsplit=1)[0].strip().casefold()


class DrawingLibrary:
    """Latents of drawings by name and style.

    Args:
        latents: int8 [M, C, h, w], `RANGE` / 127 a step.
        concepts: [M], row of `names` for each drawing.
        styles: [M], row of `style_names` for each drawing.
        embeddings: mean text features of the names, [K, D], unit length.
        names: K names, lower case.
        style_names: names of the styles.
        style_words: for every style, the words that ask for it in a prompt.
    """

    def __init__(
        self,
        *,
        latents: Tensor,
        concepts: Tensor,
        styles: Tensor,
        embeddings: Tensor,
        names: Sequence[str],
        style_words: dict[str, list[str]],
    ) -> None:
        self._latents, self._embeddings, self._names = latents, embeddings, list(names)
        self._style_words = style_words
        self._rows = {(int(c), int(s)): row for row, (c, s) in enumerate(zip(concepts, styles, strict=True))}
        self._tensors = {"latents": latents, "concepts": concepts, "styles": styles, "embeddings": embeddings}
        self._by_name = {name: row for row, name in enumerate(self._names)}

    def asked_style(self, prompt: str) -> int | None:
        """Return the style that the prompt's words ask for; None where it leaves that open."""
        text = prompt.casefold()
        for row, words in enumerate(self._style_words.values()):
            if any(word in text for word in words):
                return row
        return None

    def named_concept(self, prompt: str) -> int | None:
        """Return the concept that the prompt's head ends in or that begins there ("smiling face with sunglasses").

        The earliest and longest name wins; None where no name fits.
        """
        first = len(head(prompt).split())
        words = _STARTERS.sub("", prompt.strip(), count=1).casefold().split(",")[0].split()
        for start in range(first):
            for end in range(len(words), first - 1, -1):
                row = self._by_name.get(" ".join(words[start:end]))
                if row is not None:
                    return row
        return None

    def nearest_concept(self, embedding: Tensor) -> int:
        """Return the concept whose name is nearest in meaning to a text embedding [D]."""
        return int((self._embeddings.float() @ embedding.float().cpu()).argmax())

    def drawing(self, concept: int, style: int | None, choice: int) -> Tensor:
        """Return latents [C, h, w] of a concept; where `style` is open or not drawn, `choice` picks one."""
        drawn = [row for (c, _), row in self._rows.items() if c == concept]
        row = self._rows.get((concept, style)) if style is not None else None
        return self.latents(row if row is not None else drawn[choice % len(drawn)])

    def latents(self, row: int) -> Tensor:
        """Return one drawing's latents [C, h, w], float32."""
        return self._latents[row].float() * (RANGE / 127)

    def save_pretrained(self, folder: Path) -> None:
        """Write ``drawings.safetensors`` and ``drawings.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in self._tensors.items()}, folder / "drawings.safetensors")
        (folder / "drawings.json").write_text(
            json.dumps({"names": self._names, "style_words": self._style_words}) + "\n"
        )

    @classmethod
    def from_pretrained(cls, folder: Path) -> DrawingLibrary:
        """Read what `save_pretrained` wrote."""
        return cls(**load_file(folder / "drawings.safetensors"), **json.loads((folder / "drawings.json").read_text()))


def to_int8(latents: Tensor) -> Tensor:
    """Return latents as they are stored: int8, `RANGE` / 127 a step."""
    return latents.float().mul(127 / RANGE).round().clamp(-127, 127).to(torch.int8)


class ReferenceFinder:
    """Finds the drawing that a prompt's subject names, by its words or else by their meaning."""

    def __init__(self, library: DrawingLibrary, encoder: BertModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._library, self._encoder, self._tokenizer = library, encoder, tokenizer

    def find(self, prompt: str, choice: int) -> Tensor | None:
        """Return latents [C, h, w] of the drawing to look at (see `drawing`), None for an empty prompt."""
        if not prompt.strip():
            return None
        concept = self._library.named_concept(prompt)
        if concept is None:
            text = head(prompt) or prompt
            concept = self._library.nearest_concept(mean_features(self._encoder, self._tokenizer, [text])[0])
        return self._library.drawing(concept, self._library.asked_style(prompt), choice)


def with_reference(latents: Tensor, conditions: dict[str, Tensor]) -> Tensor:
    """Return latents [N, C, h, w] with the reference latents behind them, which are taken out of `conditions`."""
    reference = conditions.pop("reference", None)
    return latents if reference is None else torch.cat([latents, reference.to(latents)], dim=1)
