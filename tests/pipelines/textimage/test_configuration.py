from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config


def test_the_shipped_file_loads() -> None:
    config = load_config(DEFAULT_CONFIG)
    assert config.kind == "mini-clip"
    assert config.training is not None and config.training.heads.image_features[0] == "clip-vision"


def test_the_other_model_takes_three_lines(tmp_path: Path) -> None:
    file = tmp_path / "textimage.yaml"
    file.write_text("kind: open-clip\nmodel: ViT-B-16\npretrained: openai\n", encoding="utf-8")
    assert load_config(file).pretrained == "openai"


@pytest.mark.parametrize(
    "text", ["kind: clap\nmodel: x\n", "kind: mini-clip\nmodel: x\ntreads: 2\n", "kind: mini-clip\n"]
)
def test_mistakes_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "textimage.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError):
        load_config(file)
