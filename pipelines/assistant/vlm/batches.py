"""Samples to the tensors of a step, and prompts to text with room for pictures.

Shape legend: B samples, L tokens of the longest, T tokens of a picture, F width of a frozen image token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.assistant.prompting import Prompt, build_prompt
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.assistant.vlm.samples import Sample

UNLEARNED = -100


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Token ids [B, L], their mask [B, L], labels [B, L], and image tokens [B, T, F]."""

    tokens: Tensor
    mask: Tensor
    labels: Tensor
    pictures: Tensor


def prompt_text(prompt: Prompt, tokenizer: Any, config: VlmModelConfig) -> str:
    """Return a prompt as the language model reads it, up to where the answer begins."""
    room = config.placeholder * config.image_tokens
    messages = [
        {
            "role": message["role"],
            "content": "".join(room if part["type"] == "image" else part["text"] for part in message["content"]),
        }
        for message in prompt.messages
    ]
    text: str = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return text


def batch_of(samples: Sequence[Sample], features: Tensor, tokenizer: Any, config: VlmModelConfig) -> Batch:
    """Put samples together; only the answers and their ends are to be learned.

    Args:
        samples: B of them.
        features: image tokens of all drawings, [N, T, F].
        tokenizer: of the language model.
        config: of the model.
    """
    rows, labels = [], []
    for one in samples:
        asked = tokenizer(
            prompt_text(build_prompt(one.briefing, sees=True), tokenizer, config), add_special_tokens=False
        )["input_ids"]
        answer = tokenizer(one.answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        rows.append(asked + answer)
        labels.append([UNLEARNED] * len(asked) + answer)
    longest = max(map(len, rows))
    fill = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return Batch(
        tokens=torch.tensor([row + [fill] * (longest - len(row)) for row in rows]),
        mask=torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
        labels=torch.tensor([row + [UNLEARNED] * (longest - len(row)) for row in labels]),
        pictures=features[[one.row for one in samples]],
    )
