from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.training import Trainer, TrainingData
from tests.bench.baselines.image_conditioning import ImageConditioning
from tests.bench.baselines.train_image_conditioning import AdapterPreview, AdapterTrainer
from tests.pipelines.hyperlora.test_training import CONFIG, trainer
from tests.pipelines.hyperlora.tiny_base import TinyBase, write_identities
from tests.pipelines.hyperlora.tiny_hyperlora import PixelEncoder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    write_identities(tmp_path)
    return tmp_path


def adapter_trainer(corpus: Path, out: str, **changes) -> AdapterTrainer:
    config, base, encoder = dataclasses.replace(CONFIG, **changes), TinyBase(), PixelEncoder()
    data = TrainingData.prepare(IdentityViews.read(corpus), base, encoder, config, corpus / "cache")
    preview = AdapterPreview.of(
        IdentityViews.read(corpus, ("test",)), base, encoder, steps=config.sample_steps, guidance=2.0, count=2
    )
    return AdapterTrainer(base, data, config, corpus / out, preview)


def test_it_sees_the_batches_of_the_hypernetwork(corpus: Path) -> None:
    one, other = adapter_trainer(corpus, "run").batch(3), trainer(corpus, CONFIG, "other").batch(3)
    for field in ("tokens", "mask", "latents", "noise", "levels", "weights"):
        assert torch.equal(getattr(one, field), getattr(other, field))
    assert Trainer.batch is AdapterTrainer.batch


def test_a_run_leaves_log_samples_and_an_adapter_and_goes_on(corpus: Path) -> None:
    adapter_trainer(corpus, "run").train()
    lines = [json.loads(line) for line in (corpus / "run" / "loss.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert Image.open(corpus / "run" / "samples" / "000004.png").size == (4 * 16, 16)
    written = ImageConditioning.from_pretrained(corpus / "run" / "adapter", torch_dtype=torch.float32)
    assert any(layer.to_v_ip[0].weight.any() for layer in written.cross.values())
    assert json.loads((corpus / "run" / "adapter" / "recipe.json").read_text())["base"] == "tiny@0"
    longer = adapter_trainer(corpus, "run", steps=6)
    longer.train()
    lines = [json.loads(line) for line in (corpus / "run" / "loss.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]


def test_it_learns_the_colours_of_the_references(corpus: Path) -> None:
    run = adapter_trainer(
        corpus,
        "run",
        steps=60,
        batch=8,
        learning_rate=1e-2,
        reference_dropout=0.0,
        sample_every=1000,
        save_every=1000,
    )
    with torch.no_grad():
        before = sum(float(run.loss(run.batch(step))[0]) for step in range(1000, 1004))
    run.train()
    with torch.no_grad():
        batches = [run.batch(step) for step in range(1000, 1004)]
        after = sum(float(run.loss(batch)[0]) for batch in batches)
        swapped = [dataclasses.replace(batch, tokens=batch.tokens.roll(1, 0)) for batch in batches]
        mismatched = sum(float(run.loss(batch)[0]) for batch in swapped)
    assert after < before
    assert after < mismatched
