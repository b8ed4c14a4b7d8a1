"""Lessons to the tensors of a step, and prompts to text with room for pictures.

The prompts of a lesson begin alike: rules, cards and picture are the same, and only the question differs. So what they
have in common is computed once, and the rest of each, with its answer, follows it as a branch that sees the common
part and itself, at the positions that it has in its own prompt. The rules, which begin every prompt, are computed once
for a whole batch. The losses are those of the prompts one by one.

Shape legend: B lessons, C tokens that all prompts begin with, L further tokens of the longest lesson, P pictures, T
tokens of a picture, F width of a frozen image token.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.assistant.prompting import Prompt, build_prompt
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.assistant.vlm.samples import Lesson
from pipelines.assistant.vlm.sight import Tags

UNLEARNED = -100


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A prompt [N] ids with the answer [A] ids that is to follow it."""

    prompt: list[int]
    answer: list[int]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Lessons put together.

    Attributes:
        common: ids [C] that all prompts begin with.
        tokens: ids of the rest [B, L].
        positions: of those tokens in their prompts, [B, L].
        sees: bool [B, 1, L, C + L]: which tokens a token sees.
        labels: the token that is to follow, −100 where nothing is to be learned, [B, L].
        pictures: image tokens [P, T, F].
    """

    common: Tensor
    tokens: Tensor
    positions: Tensor
    sees: Tensor
    labels: Tensor
    pictures: Tensor


def prompt_text(prompt: Prompt, tokenizer: Any, config: VlmModelConfig, tags: Sequence[Tags] = ()) -> str:
    """Return a prompt as the language model reads it, up to where the answer begins.

    Args:
        prompt: with places for its pictures.
        tokenizer: with a chat template.
        config: says how many tokens a picture has.
        tags: of each picture, in their order; they stand behind it.
    """
    room, told = config.placeholder * config.image_tokens, iter(tags)
    messages = [
        {
            "role": message["role"],
            "content": "".join(
                room + next(told, Tags()).told() if part["type"] == "image" else part["text"]
                for part in message["content"]
            ),
        }
        for message in prompt.messages
    ]
    text: str = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return text


def branches_of(one: Lesson, tokenizer: Any, config: VlmModelConfig, tags: Tags) -> list[Branch]:
    """Return the prompts and answers of a lesson; what is learned of an answer is its words and its end.

    Args:
        one: the lesson.
        tokenizer: with a chat template.
        config: says how many tokens a picture has.
        tags: of its picture.
    """
    prompts = [prompt_text(build_prompt(asked, sees=True), tokenizer, config, [tags]) for asked in one.briefings()]
    answers = [exchange.answer for exchange in one.exchanges]
    ids = tokenizer([*prompts, *answers], add_special_tokens=False)["input_ids"]
    return [
        Branch(prompt=prompt, answer=[*answer, tokenizer.eos_token_id])
        for prompt, answer in zip(ids[: len(prompts)], ids[len(prompts) :], strict=True)
    ]


def batch_of(
    lessons: Sequence[Sequence[Branch]], rows: Sequence[int | None], features: Tensor, *, placeholder: int, fill: int
) -> Batch:
    """Put lessons together.

    Args:
        lessons: the branches of B lessons.
        rows: of the picture of each; None: it has none.
        features: image tokens of all pictures, [N, T, F].
        placeholder: id of the token that stands where a picture's tokens go.
        fill: id of a token for padding.
    """
    common = shared_beginning([branch.prompt for branches in lessons for branch in branches])
    common = common[: common.index(placeholder)] if placeholder in common else common  # pictures differ
    laid = [_laid(branches, len(common)) for branches in lessons]
    longest = max(len(one.tokens) for one in laid)
    shape = (len(laid), longest)
    tokens, positions = torch.full(shape, fill), torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, UNLEARNED)
    sees = torch.zeros(len(laid), 1, longest, len(common) + longest, dtype=torch.bool)
    sees[..., : len(common)] = True
    for row, one in enumerate(laid):
        length = len(one.tokens)
        tokens[row, :length] = torch.tensor(one.tokens)
        positions[row, :length] = torch.tensor(one.positions)
        labels[row, :length] = torch.tensor(one.labels)
        sees[row, 0, :length, len(common) : len(common) + length] = one.sees
    sees[:, 0, :, len(common) :].diagonal(dim1=1, dim2=2).fill_(True)  # padding sees itself, or its softmax is empty
    shown = [row for row in rows if row is not None]
    return Batch(
        common=torch.tensor(common, dtype=torch.long),
        tokens=tokens,
        positions=positions,
        sees=sees,
        labels=labels,
        pictures=features[shown],
    )


def shared_beginning(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return the ids that all prompts begin with; the last id of each is left out, for something is to follow."""
    shortest = min(len(prompt) for prompt in prompts) - 1
    first = prompts[0]
    differs = (at for at in range(shortest) if any(prompt[at] != first[at] for prompt in prompts))
    return list(first[: next(differs, shortest)])


@dataclass(frozen=True, kw_only=True)
class _Laid:
    tokens: list[int]
    positions: list[int]
    labels: list[int]
    sees: Tensor


def _laid(branches: Sequence[Branch], common: int) -> _Laid:
    """Lay the branches of a lesson out behind what they share; the first `common` ids are left out."""
    trunk = shared_beginning([branch.prompt for branch in branches])
    tokens, positions = trunk[common:], list(range(common, len(trunk)))
    labels, starts = [UNLEARNED] * len(tokens), [len(tokens)]
    for branch in branches:
        tail = branch.prompt[len(trunk) :]
        # the last token of the answer, its end, predicts nothing any more
        tokens = tokens + tail + branch.answer[:-1]
        positions += range(len(trunk), len(trunk) + len(tail) + len(branch.answer) - 1)
        labels += [UNLEARNED] * (len(tail) - 1) + branch.answer
        starts.append(len(tokens))
    sees = torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
    for first, end in itertools.pairwise(starts):
        sees[end:, first:end] = False
    return _Laid(tokens=tokens, positions=positions, labels=labels, sees=sees)
