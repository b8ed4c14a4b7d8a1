"""Textual inversion (Gal et al. 2022, arXiv 2208.01618), to compare with: a word is learned, everything else is frozen.

The gradient goes through the denoiser and through MiniLM to one of its input embeddings, as in the paper. As with
DreamBooth, captions call the thing "a WORD dog"; the word begins as the mean of the class word's own embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.safetensors_bytes import write_tensors
from tests.bench.baselines.method import Costs, Learned, called
from tests.bench.baselines.own_rows import OwnRows, diffusion_error


@dataclass(frozen=True, kw_only=True)
class TextualInversionConfig:
    """Settings.

    Attributes:
        word: in whose place the learned embedding stands; one token of the tokenizer that no caption holds.
        steps: optimiser steps.
        batch: rows of a step.
        learning_rate: after `warmup` steps.
        warmup: steps.
        seed: of batches and noise.
    """

    word: str = "[MASK]"
    steps: int = 200
    batch: int = 4
    learning_rate: float = 5e-3
    warmup: int = 10
    seed: int = 0


class TextualInversion:
    """Learns a word for one thing at a time.

    Args:
        base: the frozen model.
        config: settings.

    Raises:
        ValueError: the word is not one token.
    """

    def __init__(self, base: EmbeddedBase, config: TextualInversionConfig | None = None) -> None:
        self._base, self._config = base, config or TextualInversionConfig()
        tokens = self._tokens(self._config.word)
        if len(tokens) != 1:
            raise ValueError(f"{self._config.word!r} is {len(tokens)} tokens; a word of one token can be learned.")
        self._token = tokens[0]

    def learn(self, cutouts: Sequence[Image.Image], kind: str, coat: Sequence[str]) -> Learned:
        """Return what was learned; arguments as of `DreamBoothLora.learn`."""
        config = self._config
        with Costs() as costs:
            rows = OwnRows.of(self._base, cutouts, kind, coat)
            captions = [called(caption, config.word) for caption in rows.captions]
            vector = self._start(kind).requires_grad_(True)
            optimizer = torch.optim.AdamW([vector], lr=config.learning_rate, weight_decay=0.0)
            generator = torch.Generator().manual_seed(config.seed)
            for step in range(1, config.steps + 1):
                optimizer.param_groups[0]["lr"] = config.learning_rate * min(1.0, step / config.warmup)
                batch = rows.draw(config.batch, generator)
                text = self._encode([captions[place] for place in batch.captions], vector)
                diffusion_error(self._base, batch, text, generator).backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        word = vector.detach()
        return Learned(
            name=config.word,
            speaking=partial(self._knowing, word),
            seconds=costs.seconds,
            memory=costs.memory,
            size=len(write_tensors({"word": word.to(torch.float16)}, {"word": config.word})),
        )

    def _tokens(self, words: str) -> list[int]:
        return list(self._base.pipeline.tokenizer(words, add_special_tokens=False)["input_ids"])

    def _start(self, kind: str) -> Tensor:
        embeddings: Tensor = self._base.pipeline.text_encoder.get_input_embeddings().weight
        return embeddings[self._tokens(kind)].mean(dim=0).detach().clone()

    def _encode(self, captions: Sequence[str], vector: Tensor) -> dict[str, Tensor]:
        """Encode captions as `pipelines.mini.text.encode_tokens` does, differentiable in the learned embedding."""
        pipeline = self._base.pipeline
        length = pipeline.config.text_length
        batch = pipeline.tokenizer(
            list(captions), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        )
        with self._knowing(vector):
            hidden = pipeline.text_encoder(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
            ).last_hidden_state
        mask = batch["attention_mask"].bool()
        return {"encoder_hidden_states": hidden * mask[..., None], "encoder_attention_mask": mask}

    @contextmanager
    def _knowing(self, vector: Tensor) -> Iterator[None]:
        """Let the text encoder read the learned embedding where the word stands."""

        def read(_: torch.nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return torch.where((arguments[0] == self._token)[..., None], vector.to(output.dtype), output)

        handle = self._base.pipeline.text_encoder.get_input_embeddings().register_forward_hook(read)
        try:
            yield
        finally:
            handle.remove()
