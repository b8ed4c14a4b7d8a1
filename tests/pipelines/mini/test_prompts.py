from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from pipelines.mini.prompts import HOLDOUT, STYLES, held_out_prompts, sample

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "mini"


def test_there_are_enough_held_out_prompts_of_every_kind() -> None:
    prompts = held_out_prompts()
    assert len(prompts) >= 200
    assert len({prompt.text for prompt in prompts}) == len(prompts)
    assert {prompt.kind for prompt in prompts} == {"concepts", "colours", "accessories", "companions", "places"}
    texts = {prompt.text for prompt in prompts}
    assert {
        "an otter, soft style",
        "scissors, flat style",
        "a blue dog, modern style",
        "a fox wearing a top hat, glossy style",
        "a dog next to a mushroom, soft style",
        "a cat in the snow, flat style",
    } <= texts
    assert all(prompt.text == f"{prompt.caption}, {prompt.style}" for prompt in prompts)


def test_styles_are_those_of_the_shipped_preset() -> None:
    styles = yaml.safe_load((CONFIGS / "data.yaml").read_text())["styles"]
    preset = yaml.safe_load((CONFIGS / "nano.yaml").read_text())
    assert tuple(styles[style]["words"][0] for style in preset["denoiser"]["styles"]) == STYLES


def test_a_sample_takes_kinds_and_styles_in_turn() -> None:
    prompts = held_out_prompts(HOLDOUT)
    chosen = sample(prompts, 64)
    assert len({prompt.caption for prompt in chosen}) == 64
    kinds = Counter(prompt.kind for prompt in chosen)
    assert min(kinds.values()) >= 6 and kinds["concepts"] >= 20
    assert min(Counter(prompt.style for prompt in chosen).values()) >= 10
    assert sample(prompts, 64) == chosen
    assert sample(prompts, 3) == chosen[:3]
