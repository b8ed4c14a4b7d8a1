from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from pipelines.pigeon.configuration_pigeon import PigeonConfig, StageConfig
from pipelines.pigeon.losses import diffusion_dpo
from pipelines.pigeon.training import PigeonData, PigeonTrainer
from tests.pipelines.mini.tiny_mini import SKETCHED, TEXT_WIDTH


def tiny_data(pictures: int = 12) -> PigeonData:
    torch.manual_seed(3)
    return PigeonData(
        features=torch.randn(pictures, 6),
        references=torch.randn(pictures, 4, 5),
        latents=torch.randn(pictures, 8, 4, 4),
        conditions={
            "encoder_hidden_states": torch.randn(pictures, 5, TEXT_WIDTH),
            "encoder_attention_mask": torch.ones(pictures, 5, dtype=torch.long),
            "sketch": torch.randn(pictures, 8, 4, 4),
        },
        empty={
            "encoder_hidden_states": torch.zeros(1, 5, TEXT_WIDTH),
            "encoder_attention_mask": torch.ones(1, 5, dtype=torch.long),
            "sketch": torch.zeros(1, 8, 4, 4),
        },
        histories=torch.tensor([[0, 1, 2, -1], [3, 4, -1, -1], [5, -1, -1, -1]]),
        weights=torch.ones(3, 4),
        liked=[np.array([6, 7]), np.array([8]), np.array([], int)],
        pairs=np.array([[0, 6, 9], [1, 8, 10], [2, 5, 11]]),
    )


def trainer(folder, steps: int = 3) -> PigeonTrainer:
    stage = StageConfig(steps=steps, batch=4, learning_rate=1e-2)
    config = PigeonConfig(
        seed=1, first=stage, second=stage, log_every=1, save_every=2,
        model={"width": 16, "heads": 2, "blocks": 1, "tokens": 3},
    )  # fmt: skip
    torch.manual_seed(0)
    return PigeonTrainer(UNet2DConditionModel(**SKETCHED), tiny_data(), config, folder)


def test_both_stages_train_the_taste_and_not_the_base(tmp_path) -> None:
    run = trainer(tmp_path)
    base = {name: value.clone() for name, value in run.unet.state_dict().items()}
    before = {name: value.detach().clone() for name, value in run.model.named_parameters()}
    written = run.train()
    assert all(torch.equal(value, base[name]) for name, value in run.unet.state_dict().items())
    moved = [name for name, value in run.model.named_parameters() if not torch.equal(value.detach(), before[name])]
    assert any("mask_encoder" in name for name in moved)
    assert any("to_v_ip" in name for name in moved) and any("to_k_ip" in name for name in moved)
    assert (written / "encoder" / "config.json").is_file() and (written / "attention" / "model.safetensors").is_file()
    for stage in ("first", "second"):
        assert len((tmp_path / stage / "loss.jsonl").read_text().splitlines()) == 3


def test_a_run_that_has_ended_goes_on_from_its_end(tmp_path) -> None:
    trainer(tmp_path).train()
    trainer(tmp_path).train()
    assert len((tmp_path / "first" / "loss.jsonl").read_text().splitlines()) == 3


def test_reconstruction_learns_what_it_is_shown(tmp_path) -> None:
    run = trainer(tmp_path)
    run.data.liked[:] = [np.array([6]), np.array([6]), np.array([], int)]
    optimizer = torch.optim.Adam(run.model.parameters(), 1e-2)

    def error() -> float:
        torch.manual_seed(5)
        run.numbers = np.random.default_rng(5)
        with torch.no_grad():
            return float(np.mean([float(run._reconstruction(16)[0]) for _ in range(10)]))

    before = error()
    for _ in range(60):
        loss, _ = run._reconstruction(16)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert error() < 0.97 * before


def test_preference_pushes_the_pair_apart() -> None:
    ones = torch.ones(4)
    even, _ = diffusion_dpo(ones, ones, ones, ones, beta=10)
    better, right = diffusion_dpo(0.9 * ones, 1.1 * ones, ones, ones, beta=10)
    worse, wrong = diffusion_dpo(1.1 * ones, 0.9 * ones, ones, ones, beta=10)
    assert float(even) == pytest.approx(np.log(2), abs=1e-6)
    assert better < even < worse and (float(right), float(wrong)) == (1.0, 0.0)


def test_an_unknown_setting_is_named(tmp_path) -> None:
    (tmp_path / "pigeon.yaml").write_text("peeple: 3\n")
    with pytest.raises(ValueError, match="peeple"):
        PigeonConfig.read(tmp_path / "pigeon.yaml")
