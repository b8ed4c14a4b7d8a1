from __future__ import annotations

import random

import pytest
import torch

from pipelines.assistant.vlm.batches import UNLEARNED, batch_of, branches_of, shared_beginning
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.samples import lesson
from tests.pipelines.assistant.tiny_chat import text_model
from tests.pipelines.assistant.vlm.tiny_vlm import LESSONS, MODEL, PICTURES, TAGS, WIDTH, features


def model_and_lessons(count: int, **changes: float) -> tuple:
    language, tokenizer = text_model()
    model = SmallVlm.fresh(language, tokenizer, WIDTH, MODEL)
    for name, weight in model.language.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.2)
    rng, config = random.Random(1), LESSONS.model_copy(update=changes)
    lessons = [lesson(PICTURES, rng, config) for _ in range(count)]
    return model, tokenizer, lessons, [branches_of(one, tokenizer, MODEL, TAGS[one.row or 0]) for one in lessons]


@pytest.mark.parametrize(("count", "changes"), [(4, {}), (1, {}), (3, {"strangers": 1.0, "noise": 0.0})])
def test_the_loss_is_that_of_the_prompts_one_by_one(count: int, changes: dict) -> None:
    """Of several lessons, of one, and of lessons whose prompts differ in nothing but the picture and the question."""
    model, _, lessons, laid = model_and_lessons(count, **changes)
    batch = batch_of(laid, [one.row for one in lessons], features(), placeholder=model.placeholder, fill=0)
    packed = model(batch)
    packed.backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    total, learned = torch.zeros(()), 0
    for one, branches in zip(lessons, laid, strict=True):
        for branch in branches:
            tokens = torch.tensor([branch.prompt + branch.answer])
            labels = torch.tensor([[UNLEARNED] * len(branch.prompt) + branch.answer])
            seen = model.embed(tokens, features()[[] if one.row is None else [one.row]])
            total = total + model.language(inputs_embeds=seen, labels=labels).loss * len(branch.answer)
            learned += len(branch.answer)
    (total / learned).backward()
    assert torch.allclose(packed, total / learned, atol=1e-5)
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            assert torch.allclose(found[name], weight.grad, atol=1e-5), name


def test_answers_alone_are_learned_each_with_its_end() -> None:
    model, tokenizer, lessons, laid = model_and_lessons(3)
    batch = batch_of(laid, [one.row for one in lessons], features(), placeholder=model.placeholder, fill=0)
    for row, one in enumerate(lessons):
        learned = batch.labels[row][batch.labels[row] != UNLEARNED].tolist()
        said = "".join(exchange.answer + tokenizer.eos_token for exchange in one.exchanges)
        assert tokenizer.decode(learned).replace(" ", "") == said.replace(" ", "")
    shown = [one for one in lessons if one.row is not None]
    assert len(batch.pictures) == len(shown)
    assert int((batch.tokens == model.placeholder).sum()) == MODEL.image_tokens * len(shown)


def test_a_beginning_is_shared_as_far_as_it_is_the_same() -> None:
    assert shared_beginning([[1, 2, 3, 4], [1, 2, 5]]) == [1, 2]
    assert shared_beginning([[1, 2, 3]]) == [1, 2]
