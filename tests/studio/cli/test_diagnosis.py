from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.config import ROOT

DIGITS = 64
Configured = Callable[..., Path]


@pytest.fixture
def configured(keepsake, monkeypatch, tmp_path) -> Configured:
    """Write settings with these engines, and no models downloaded: ``configured(image="{name: fake}")``."""
    for option in ("STEP_SECONDS", "SIZE"):  # which the fixture of the verbs sets for the engine without weights
        monkeypatch.delenv(f"KEEPSAKE_ENGINES__IMAGE__OPTIONS__{option}")
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))

    def write(*, image: str = "{name: fake}", subject: str = "{name: fake}") -> Path:
        file: Path = tmp_path / "studio.yaml"
        file.write_text(
            f"models: {ROOT / 'configs' / 'models.yaml'}\nengines:\n  image: {image}\n  subject: {subject}\n"
            "  meter: {name: fake}\n  assistant: {name: fake}\n  taste: {name: fake}\n"
        )
        return file

    return write


def test_with_engines_without_weights_nothing_is_missing(keepsake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))
    ended = keepsake("doctor")
    assert ended.status == 0
    assert "Everything needed is here." in ended.out
    for part in (platform.python_version(), torch.__version__, "attention", "minilm", str(tmp_path / "data"), "free"):
        assert part in ended.out


def test_a_missing_model_ends_with_1(keepsake, configured: Configured) -> None:
    ended = keepsake("doctor", "--json", config=configured(image="{name: diffusers, options: {model: mini}}"))
    assert ended.status == 1
    assert "python -m studio models fetch minilm" in ended.err
    found = ended.json
    assert any("minilm" in problem for problem in found["problems"])
    assert found["compute"]["attention"].partition("/")[0] in ("xformers", "sdpa")
    assert {model["name"] for model in found["models"]} >= {"minilm", "mini"}


def test_only_what_the_configuration_uses_can_be_missing(keepsake, configured: Configured) -> None:
    ended = keepsake("doctor", "--json", config=configured(subject="{name: hyperlora}"))
    assert ended.status == 1
    found = ended.json
    used = {model["name"] for model in found["models"] if model["needed_by"]}
    assert used == {"hyperlora", "u2netp", "clip-vision", "textimage", "tinyvit", "minilm"}
    assert "dinov2" not in " ".join(found["problems"])
    roles = [(one["role"], one["name"]) for one in found["engines"]]
    assert roles == [
        ("image", "fake"),
        ("subject", "hyperlora"),
        *((role, "fake") for role in ("assistant", "taste", "meter")),
    ]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("{name: hub, options: {model: nobody/nothing}}", "nobody/nothing is not on this machine yet"),
        ("{name: hub, options: {model: nobody/nothing, width: 100}}", "width is 100"),
        ("{name: diffusers, options: {model: no-such}}", "needs the model 'no-such'"),
        ("{name: dreamer}", "'dreamer'"),
    ],
)
def test_what_an_engine_finds_missing_is_a_problem(keepsake, configured: Configured, image: str, sentence: str) -> None:
    ended = keepsake("doctor", "--json", config=configured(image=image))
    assert ended.status == 1
    assert any(sentence in problem for problem in ended.json["problems"])
    assert sentence in ended.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_said(keepsake, configured: Configured, one_line) -> None:
    config = configured(image="{name: diffusers, options: {device: cuda}}")
    one_line(keepsake("doctor", config=config), "finds no GPU")


def test_present_models_come_with_checksums(keepsake) -> None:
    for model in keepsake("doctor", "--json").json["models"]:
        if model["present"]:
            assert all(len(digest) == DIGITS for digest in model["sha256"].values())
            assert model["sha256"]


def test_what_keeps_the_records_is_told(keepsake) -> None:
    assert "SQLite, " in keepsake("doctor").out


def test_records_that_cannot_be_had_are_a_problem(keepsake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KEEPSAKE_DATABASE_URL", f"postgresql://nobody@/keepsake?host={tmp_path}")
    ended = keepsake("doctor")
    assert ended.status == 1
    assert "cannot be reached" in ended.err
