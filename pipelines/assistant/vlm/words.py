"""The projector's first lessons, without the language model: to point at the words of what a picture shows.

A language model reads embeddings of words, so a picture's tokens are easiest to read where they lie near the words that
describe them. Each word's score is its likeness to any of the picture's tokens, and the words of the description have
to score above all others. That costs a small matrix product a step, where a step through the language model costs
seconds; afterwards the language model needs only learn to say what it reads.

Shape legend: P pictures, T tokens of a picture, H width of the language model, V words (tokens of it).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.assistant.vlm.configuration_vlm import WordsConfig
from pipelines.assistant.vlm.depicted import Depicted

_LEAST = 0.02  # share of the learning rate that is left at the end
_LENGTH = 0.1  # weight of the wish that tokens be as long as words
_EVERY = 500  # steps between two lines of the log
logger = logging.getLogger(__name__)


def said_of(shown: Depicted) -> str:
    """Return the words of what a picture shows, without those that every sentence has."""
    return " ".join([*shown.colours, shown.kind, shown.wearing, shown.riding, shown.company, shown.place])


class WordLessons:
    """What the words of pictures are, and how far a projector is from pointing at them.

    Args:
        embeddings: of all tokens of the language model, [N, H].
        tokenizer: its own.
        pictures: what each shows, in the order of their image tokens.
        sharpness: what likenesses are multiplied by.
    """

    def __init__(self, embeddings: Tensor, tokenizer: Any, pictures: Sequence[Depicted], sharpness: float) -> None:
        ids = [tokenizer(f" {said_of(one)}", add_special_tokens=False)["input_ids"] for one in pictures]
        self.words = sorted({word for row in ids for word in row})
        place = {word: at for at, word in enumerate(self.words)}
        self.right = torch.zeros(len(pictures), len(self.words))
        for row, words in enumerate(ids):
            self.right[row, [place[word] for word in words]] = 1
        table = embeddings.detach().float()
        self._mean = table.mean(dim=0)
        self._table = nn.functional.normalize(table[self.words] - self._mean, dim=-1)
        self._long = table[self.words].norm(dim=-1).mean()
        self._sharpness = sharpness

    def scores(self, tokens: Tensor) -> Tensor:
        """Return the scores [P, V] of words for projected image tokens [P, T, H]."""
        likeness = nn.functional.normalize(tokens - self._mean, dim=-1) @ self._table.T
        return torch.logsumexp(self._sharpness * likeness, dim=1)

    def loss(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of projected tokens [P, T, H] of the pictures in `rows` [P]."""
        right = self.right[rows]
        chances = nn.functional.log_softmax(self.scores(tokens), dim=-1)
        missed = -(chances * right).sum(dim=-1) / right.sum(dim=-1).clamp(min=1)
        length = (tokens.norm(dim=-1) / self._long - 1).square().mean()
        return missed.mean() + _LENGTH * length


def teach_words(projector: nn.Module, lessons: WordLessons, features: Tensor, config: WordsConfig, seed: int) -> float:
    """Train a projector on image tokens [N, T, F] in the order of the lessons' pictures; return the mean last loss."""
    optimizer = torch.optim.AdamW(projector.parameters(), lr=config.learning_rate, weight_decay=0.02)
    generator = torch.Generator().manual_seed(seed)
    mean = 0.0
    for step in range(config.steps):
        fallen = 0.5 * (1 + math.cos(math.pi * step / config.steps))
        optimizer.param_groups[0]["lr"] = config.learning_rate * (_LEAST + (1 - _LEAST) * fallen)
        rows = torch.randint(len(features), (config.batch,), generator=generator)
        loss = lessons.loss(projector(features[rows].float()), rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean += (float(loss.detach()) - mean) / (step % _EVERY + 1)
        if (step + 1) % _EVERY == 0:
            logger.info("words: step %d, loss %.4f", step + 1, mean)
    return mean
