from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.references import coat_of
from pipelines.hyperlora.training import Trainer, TrainingData
from tests.pipelines.hyperlora.tiny_base import TinyBase, write_identities
from tests.pipelines.hyperlora.tiny_hyperlora import SIZES, PixelEncoder, cutout

CONFIG = TrainingConfig(
    model=SIZES, steps=4, batch=4, warmup=1, log_every=2, sample_every=4, save_every=2, sample_steps=2, precision="no"
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_identities(tmp_path)
    return tmp_path


def trainer(corpus: Path, config: TrainingConfig, out: str, base: TinyBase | None = None) -> Trainer:
    base, encoder = base or TinyBase(), PixelEncoder()
    data = TrainingData.prepare(IdentityViews.read(corpus), base, encoder, config, corpus / "cache")
    heldout = IdentityViews.read(corpus, ("test",))
    preview = Preview.of(heldout, base, encoder, steps=config.sample_steps, guidance=2.0, count=2)
    return Trainer(base, data, config, corpus / out, preview)


def test_a_run_leaves_log_samples_and_a_pipeline(corpus: Path) -> None:
    trainer(corpus, CONFIG, "run").train()
    lines = [json.loads(line) for line in (corpus / "run" / "loss.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert lines[0].keys() >= {"loss", "penalty", "gradient", "rate", "seconds"}
    assert Image.open(corpus / "run" / "samples" / "000004.png").size == (4 * 16, 16)
    pipeline = HyperLoraPipeline.from_pretrained(corpus / "run" / "pipeline", dtype=torch.float32)
    assert pipeline.hyperlora.config.base_model == "tiny@0"
    assert pipeline.predict([cutout((220, 30, 30))], PixelEncoder()).norm() > 0


def test_a_resumed_run_ends_as_one_that_never_stopped(corpus: Path) -> None:
    whole = trainer(corpus, CONFIG, "whole")
    whole.train()
    first = trainer(corpus, dataclasses.replace(CONFIG, save_every=2), "parts")
    _stop_after(first, 2)
    second = trainer(corpus, CONFIG, "parts")
    second.train()
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], value, rtol=1e-5, atol=1e-7)
    for name, value in whole.averaged().state_dict().items():
        torch.testing.assert_close(second.averaged().state_dict()[name], value, rtol=1e-5, atol=1e-7)


def _stop_after(run: Trainer, steps: int) -> None:
    def interrupted(step: int):
        if step == steps:
            raise KeyboardInterrupt
        return original(step)

    original = run.batch
    run.batch = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run.train()


def test_it_learns_the_colours_of_the_references(corpus: Path) -> None:
    config = dataclasses.replace(
        CONFIG, steps=40, batch=8, learning_rate=1e-2, reference_dropout=0.0, sample_every=1000, save_every=1000
    )
    run = trainer(corpus, config, "run")
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


@pytest.mark.parametrize("form", ["coefficients", "product"])
def test_regularisation_keeps_the_lora_small(corpus: Path, form: str) -> None:
    sizes = []
    for weight in (0.0, 100.0):
        config = dataclasses.replace(CONFIG, steps=12, regularisation=weight, regularise=form, sample_every=100)
        run = trainer(corpus, config, f"run-{form}-{weight}")
        run.train()
        with torch.no_grad():
            sizes.append(float(run.loss(run.batch(0))[1]))
    assert sizes[1] < sizes[0]


def test_the_base_is_not_changed(corpus: Path) -> None:
    run = trainer(corpus, CONFIG, "run")
    before = {name: value.clone() for name, value in run._base.model.state_dict().items()}
    run.train()
    for name, value in run._base.model.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks for module in run._base.model.modules())


def test_the_sketches_of_the_views_are_shown(corpus: Path) -> None:
    assert "sketch" not in trainer(corpus, CONFIG, "run").batch(0).conditions
    write_identities(corpus, sketches=True)
    base = TinyBase(sketches=True)
    run = trainer(corpus, CONFIG, "run", base)
    batch, data = run.batch(5), run._data
    assert data.sketches is not None
    shown = batch.conditions["sketch"]
    assert (shown.shape, shown.dtype) == (batch.latents.shape, torch.float32)
    assert data.greys is not None
    without = data.sampler.draw(5, CONFIG.batch).greys
    assert without.any() and not without.all()
    for latents, sketch, grey in zip(batch.latents, shown, without, strict=True):
        view = (torch.from_numpy(data.latents).float() == latents).flatten(1).all(dim=1).nonzero()[0, 0]
        assert torch.equal(sketch, torch.from_numpy((data.greys if grey else data.sketches)[view]).float())
    with torch.no_grad():
        seen = run.loss(batch)[0]
        blind = run.loss(dataclasses.replace(batch, conditions={**batch.conditions, "sketch": shown * 0}))[0]
    assert not torch.isclose(seen, blind)


def test_sample_grids_are_drawn_after_sketches(corpus: Path) -> None:
    write_identities(corpus, sketches=True)
    base = TinyBase(sketches=True)
    run = trainer(corpus, CONFIG, "run", base)
    run._preview.write(run.averaged(), corpus / "grid.png")
    # the class alone in its own colours, the personal models in those of the reference
    coats = [coat_of([run._preview.pictures[0]])]
    assert coats[0] and base.asked == [(("a block",), None), (("a block",), coats), (("a block",), coats)]
    assert Image.open(corpus / "grid.png").size == (4 * 16, 16)
