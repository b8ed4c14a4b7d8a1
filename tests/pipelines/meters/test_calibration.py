from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.meters.calibration import load_calibration
from pipelines.textimage.configuration import load_config
from pipelines.textimage.loading import version_of
from tests.pipelines.meters.tiny_meters import CALIBRATION

SHIPPED_MODEL = Path(__file__).parents[3] / "assets" / "textimage"


def test_the_shipped_calibration_is_of_the_shipped_text_image_model() -> None:
    assert load_calibration().lacks(version_of(load_config(), find=lambda name: SHIPPED_MODEL)) == ""


def test_the_shipped_scales_tell_an_individuals_own_view_from_others() -> None:
    shipped = load_calibration()
    assert shipped.parts.joined(shipped.parts.shape.mean, shipped.parts.colour.mean) == 0.0
    assert shipped.likeness.score(0.0) > 0.5
    assert shipped.parts.shape.deviation > 0 and shipped.parts.colour.deviation > 0


def test_another_model_is_said() -> None:
    assert "python -m pipelines.meters.calibrate" in CALIBRATION.lacks("open-clip:ViT-B-16:openai")


def test_a_number_that_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "meters.yaml"
    file.write_text("likeness: {fair: 0, good: 1}\nprompt: {fair: 0, good: 1, textimage: x}\n")
    with pytest.raises(KeyError, match="shape"):
        load_calibration(file)
