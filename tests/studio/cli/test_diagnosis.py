from __future__ import annotations

import platform

import torch

DIGITS = 64


def test_with_engines_without_weights_nothing_is_missing(keepsake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))
    ended = keepsake("doctor")
    assert ended.status == 0
    assert "Everything needed is here." in ended.out
    for part in (platform.python_version(), torch.__version__, "attention", "minilm", str(tmp_path / "data"), "free"):
        assert part in ended.out


def test_a_missing_model_ends_with_1(keepsake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("KEEPSAKE_ENGINES__IMAGE", "{name: diffusers, options: {model: mini}}")
    ended = keepsake("doctor", "--json")
    assert ended.status == 1
    assert "python -m studio models fetch" in ended.err
    found = ended.json
    assert any("minilm" in problem for problem in found["problems"])
    assert found["compute"]["attention"].partition("/")[0] in ("xformers", "sdpa")
    assert {model["name"] for model in found["models"]} >= {"minilm", "mini"}


def test_present_models_come_with_checksums(keepsake) -> None:
    for model in keepsake("doctor", "--json").json["models"]:
        if model["present"] and not model["source"].startswith("local"):
            assert all(len(digest) == DIGITS for digest in model["sha256"].values())
            assert model["sha256"]
