from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.hyperlora.refining import REFINED, RefineConfig, Refiner, Views, relaxed
from pipelines.lora import Factor, LoraFactors, RowLora, layer_table
from tests.pipelines.hyperlora.tiny_base import SIZE, TinyBase

CONFIG = RefineConfig(steps=30, batch=4, further_ranks=2, learning_rate=2e-2, warmup=2)


def block(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[3:13, 3:13] = (*colour, 255)
    return picture


def views(*, prior: bool = True) -> Views:
    targets, greys = np.stack([block((220, 30, 30))] * 3), np.stack([block((158, 158, 158))] * 3)
    captions = ["a block", "a block, flat", "a block, soft"]
    kept = np.stack([block((90, 90, 200))] * 2) if prior else None
    return Views(targets=targets, sketches=greys, captions=captions, prior=kept, prior_captions=captions[: 2 * prior])


@pytest.fixture
def base() -> TinyBase:
    torch.set_num_threads(1)
    return TinyBase(sketches=True)


def predicted(base: TinyBase) -> LoraFactors:
    draw = torch.Generator().manual_seed(3)
    layers = {
        spec.name: Factor(
            torch.randn(2, spec.in_features, generator=draw) * 0.3,
            torch.randn(spec.out_features, 2, generator=draw) * 0.1,
        )
        for spec in layer_table(base.model)
    }
    return LoraFactors(layers, metadata={"coat": "#dc1e1e"})


def error(base: TinyBase, lora: LoraFactors) -> float:
    """Diffusion error on the subject, over fixed noise."""
    seen, rows = views(), 12
    draw = torch.Generator().manual_seed(9)
    target = base.encode_pictures(seen.targets[:1]).expand(rows, -1, -1, -1)
    shown = {"sketch": base.encode_pictures(seen.sketches[:1]).expand(rows, -1, -1, -1)}
    shown["tokens"] = base.encode_text(["a block"])["tokens"].expand(rows, -1, -1)
    noise, levels = torch.randn(target.shape, generator=draw), torch.linspace(0.05, 1, rows)
    noisy = torch.lerp(target, noise, levels.view(-1, 1, 1, 1))
    with torch.no_grad(), RowLora(base.model, lora.layers, torch.ones(rows)):
        return float((base.predict(noisy, levels * 1000, shown) - (noise - target)).square().mean())


def test_further_ranks_change_nothing_as_yet(base: TinyBase) -> None:
    lora = predicted(base)
    wide = relaxed(lora, 3, torch.Generator().manual_seed(0))
    assert {factor.rank for factor in wide.layers.values()} == {5}
    for name, (down, up) in wide.layers.items():
        torch.testing.assert_close(up @ down, lora.layers[name].up @ lora.layers[name].down)
    assert all(factor.down[2:].abs().sum() > 0 for factor in wide.layers.values())


def test_the_base_draws_the_subject_better_and_stays_as_it_is(base: TinyBase) -> None:
    lora, weights = predicted(base), {name: value.clone() for name, value in base.model.state_dict().items()}
    given = {name: Factor(f.down.clone(), f.up.clone()) for name, f in lora.layers.items()}
    told: list[tuple[int, float]] = []
    refined = Refiner(base, CONFIG).refine(lora, views(), lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == list(range(1, 31))
    assert error(base, refined) < 0.9 * error(base, lora)
    assert refined.metadata == {"coat": "#dc1e1e", REFINED: "30"}
    assert all(torch.equal(value, weights[name]) for name, value in base.model.state_dict().items())
    assert all(torch.equal(f.up, given[name].up) for name, f in lora.layers.items())
    refined.check_fits(base.model)
    assert LoraFactors.from_bytes(refined.to_bytes()).metadata[REFINED] == "30"


def test_the_same_seed_gives_the_same_lora(base: TinyBase) -> None:
    lora, config = predicted(base), replace(CONFIG, steps=3)
    one, again, other = (
        Refiner(base, replace(config, seed=seed)).refine(lora, views()).to_bytes(torch.float32) for seed in (1, 1, 2)
    )
    assert one == again != other


def test_the_prior_holds_the_class_where_it_was(base: TinyBase) -> None:
    lora = predicted(base)
    moved = []
    for share in (0.0, 0.5):
        refined = Refiner(base, replace(CONFIG, prior_share=share)).refine(lora, views())
        moved.append(class_moved(base, lora, refined))
    assert moved[1] < 0.8 * moved[0]


def class_moved(base: TinyBase, lora: LoraFactors, refined: LoraFactors) -> float:
    seen = views()
    sketch = base.encode_pictures(seen.prior)
    noisy = torch.lerp(sketch, torch.randn(sketch.shape, generator=torch.Generator().manual_seed(1)), 0.5)
    conditions = {**base.encode_text(seen.prior_captions), "sketch": sketch}
    answers = []
    for one in (lora, refined):
        with torch.no_grad(), RowLora(base.model, one.layers, torch.ones(2)):
            answers.append(base.predict(noisy, torch.full((2,), 500.0), conditions))
    return float((answers[1] - answers[0]).square().mean())


def test_a_stop_ends_it_at_the_next_step(base: TinyBase) -> None:
    def stop(step: int, _: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Refiner(base, CONFIG).refine(predicted(base), views(prior=False), stop)
    assert not any(one._forward_hooks for one in base.model.modules())
