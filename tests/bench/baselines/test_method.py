from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.mini.pipeline_mini import MiniPipeline
from tests.bench.baselines.method import Costs, Learned, LearnedDresser, called
from tests.pipelines.mini.tiny_mini import random_lora, tiny_pipeline


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    torch.set_num_threads(1)
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


def test_the_learned_word_stands_before_the_class_word() -> None:
    assert called("a dog at the beach, flat style", "sks") == "a sks dog at the beach, flat style"
    assert called("an owl", "sks") == "a sks owl"
    assert called("glasses, soft style", "sks") == "sks glasses, soft style"
    assert called("an owl", "") == "an owl"


def test_a_lora_acts_in_the_rows_that_it_is_for(pipeline: MiniPipeline) -> None:
    learned = Learned.of_lora(pipeline.unet, random_lora(pipeline), seconds=2.0)
    assert learned.personal and not Learned().personal
    assert learned.size == len(random_lora(pipeline).to_bytes()) and learned.seconds == 2

    @torch.no_grad()
    def predict(one: Learned) -> torch.Tensor:
        rows = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
        text = torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(1))
        with one.adapting(torch.tensor([0.0, 1.0])):
            return pipeline.unet(rows, torch.full((2,), 500.0), text).sample

    base, personal = predict(Learned()), predict(learned)
    torch.testing.assert_close(personal[0], base[0])
    assert (personal[1] - base[1]).abs().max() > 1e-3


def test_drawings_are_dressed_in_the_learned_words(pipeline: MiniPipeline, monkeypatch) -> None:
    asked: list[str] = []
    encode = pipeline.encode_prompt

    def listen(words: list[str], sketches: list[None]) -> dict[str, torch.Tensor]:
        asked.extend(words)
        return encode(words, sketches)

    monkeypatch.setattr(pipeline, "encode_prompt", listen)
    dress = LearnedDresser(pipeline, Learned(name="sks"), ("#20c040",))
    drawing = np.asarray(pipeline.library.picture(0, 0))
    found = dress(drawing, "a dog, flat style")
    assert asked == ["a sks dog, flat style"] and found.shape == drawing.shape


def test_what_is_taken_and_given_back_again_counts() -> None:
    with Costs() as costs:
        block = np.ones(64 * 2**20, np.uint8)
        costs.look()
        del block
    assert costs.memory > 48 * 2**20


def test_seconds_are_those_of_the_work_alone() -> None:
    with Costs() as costs:
        before = costs.look().seconds
        np.linalg.svd(np.random.default_rng(0).random((300, 300)))
    known = costs.seconds
    np.linalg.svd(np.random.default_rng(0).random((300, 300)))
    assert 0 <= before < costs.seconds == known
