"""Every file in `configs/` loads, and names only things that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.resolver import load_catalogue
from pipelines.resolver.spec import LocalSource
from studio.config import load_config
from studio.engines.registry import (
    ASSISTANT_ENGINES,
    IMAGE_ENGINES,
    RECOGNITION_ENGINES,
    REFINING_ENGINES,
    SUBJECT_ENGINES,
    TASTE_ENGINES,
)

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
STUDIOS = sorted(CONFIGS.glob("studio*.yaml"))
NEEDED_MODELS = {"minilm", "clip-vision", "dinov2", "tinyvit", "u2netp", "smollm2", "mini", "hyperlora", "textimage"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONFIGS)))
def test_yaml_loads(file: Path) -> None:
    assert yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", STUDIOS, ids=lambda file: file.name)
def test_studio_config_names_known_parts(file: Path) -> None:
    config = load_config(file)
    IMAGE_ENGINES.check(config.engines.image.name)
    SUBJECT_ENGINES.check(config.engines.subject.name)
    RECOGNITION_ENGINES.check(config.engines.recognition.name)
    TASTE_ENGINES.check(config.engines.taste.name)
    ASSISTANT_ENGINES.check(config.engines.assistant.name)
    REFINING_ENGINES.check(config.engines.refining.name)
    assert load_catalogue(config.models).names


def test_the_default_listens_to_this_machine_only() -> None:
    assert load_config(CONFIGS / "studio.yaml").host == "127.0.0.1"


def test_catalogue_names_every_model_the_code_asks_for() -> None:
    assert set(load_catalogue().names) >= NEEDED_MODELS


def test_downloaded_models_say_where_they_are_from() -> None:
    for name, model in load_catalogue().models.items():
        assert model.licence
        if model.remotes:
            assert model.upstream, f"{name} has no upstream"


def test_local_models_lie_in_assets() -> None:
    for model in load_catalogue().models.values():
        for source in model.sources:
            if isinstance(source, LocalSource):
                assert source.local.startswith("../assets/")
