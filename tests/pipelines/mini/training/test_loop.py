from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from pipelines.mini.training.loop import MovingAverage, RunLog, learning_rate_at


def test_the_learning_rate_warms_up_and_falls_to_a_fiftieth() -> None:
    rates = [learning_rate_at(step, 1000, 2.0) for step in range(1000)]
    assert rates[0] == pytest.approx(0.02) and rates[99] == pytest.approx(2.0)
    assert max(rates) == pytest.approx(2.0)
    assert all(later < earlier for earlier, later in pairwise(rates[100:]))
    assert learning_rate_at(1000, 1000, 2.0) == pytest.approx(0.04)
    assert learning_rate_at(5000, 1000, 2.0) == pytest.approx(0.04)
    assert learning_rate_at(50, 60, 1.0) == pytest.approx(0.51)  # a training shorter than the warm-up


def test_the_average_follows_and_outlives_a_checkpoint() -> None:
    model = nn.Linear(2, 2)
    average = MovingAverage(model, 0.99)
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.add_(1.0)
    for _ in range(3):
        average.update(model)
    copy = nn.Linear(2, 2)
    average.copy_to(copy)
    moved = copy.weight - start
    assert (moved > 0.5).all() and (moved < 1.0).all()  # short trainings move at once: the decay is ramped up

    other = MovingAverage(nn.Linear(2, 2), 0.99)
    other.load_state_dict(average.state_dict())
    other.update(model)
    average.update(model)
    assert all(torch.equal(value, other.shadow[name]) for name, value in average.shadow.items())


def test_the_log_has_a_line_per_report(tmp_path: Path) -> None:
    log = RunLog(folder=tmp_path / "run")
    log.add(1.0)
    log.add(3.0)
    assert log.report(2, rate=0.5)["loss"] == 2.0
    log.add(5.0)
    log.report(3)
    lines = [json.loads(line) for line in (tmp_path / "run" / "loss.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(2, 2.0), (3, 5.0)]
    assert lines[0]["rate"] == 0.5
