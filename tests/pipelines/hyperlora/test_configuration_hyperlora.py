from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.hyperlora.configuration_hyperlora import ConfigurationError, TrainingConfig
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from tests.pipelines.tiny_denoisers import stable_diffusion

SHIPPED = Path(__file__).parents[3] / "configs" / "hyperlora.yaml"


def test_the_shipped_configuration_makes_a_model() -> None:
    config = TrainingConfig.read(SHIPPED, steps=7)
    assert config.steps == 7
    model = HyperLora.for_model(stable_diffusion().model, config.targets, **config.model)
    assert model.config.rank == config.model["rank"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz: 3", "unknown settings: stepz"),
        ("steps: 0", "steps is 0; at least 1"),
        ("caption_dropout: 2", "caption_dropout is 2; it must lie between 0 and 1"),
        ("cluttered_versions: 2", "of 2 reference_versions the first is clean, so 0 to 1 are possible"),
        ("curriculum: [0.5, 0.1]", "two rising shares of the steps are needed"),
        ("reference_versions: 1", "own_share needs reference_versions of 2 or more"),
        ("regularise: l1", "regularise is 'l1'"),
    ],
)
def test_a_wrong_setting_gets_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        TrainingConfig.read(file)


def test_a_curriculum_opens_versions_in_order() -> None:
    settings = {"steps": 200, "reference_versions": 5, "cluttered_versions": 2}
    assert TrainingConfig(**settings, curriculum=(0.1, 0.4)).opens() == (0, 20, 20, 80, 80)
    assert TrainingConfig(**settings).opens() == (0, 0, 0, 0, 0)
