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
    assert "python -m studio models fetch minilm" in ended.err
    found = ended.json
    assert any("minilm" in problem for problem in found["problems"])
    assert found["compute"]["attention"].partition("/")[0] in ("xformers", "sdpa")
    assert {model["name"] for model in found["models"]} >= {"minilm", "mini"}


def test_present_models_come_with_checksums(keepsake) -> None:
    for model in keepsake("doctor", "--json").json["models"]:
        if model["present"]:
            assert all(len(digest) == DIGITS for digest in model["sha256"].values())
            assert model["sha256"]


def test_only_what_the_configuration_uses_can_be_missing(keepsake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("KEEPSAKE_ENGINES__SUBJECT", "{name: hyperlora, options: {}}")
    ended = keepsake("doctor", "--json")
    assert ended.status == 1
    found = ended.json
    used = {model["name"] for model in found["models"] if model["needed_by"]}
    assert used == {"hyperlora", "u2netp", "clip-vision", "textimage", "tinyvit", "minilm"}
    assert "dinov2" not in " ".join(found["problems"])
    assert [(engine["role"], engine["name"]) for engine in found["engines"]] == [
        ("image", "fake"),
        ("subject", "hyperlora"),
    ]


def test_what_an_engine_finds_missing_is_a_problem(keepsake, monkeypatch, tmp_path) -> None:
    for options, sentence in (
        ("{name: hub, options: {model: nobody/nothing}}", "nobody/nothing is not on this machine yet"),
        ("{name: hub, options: {model: nobody/nothing, width: 100}}", "width is 100"),
        ("{name: diffusers, options: {model: no-such}}", "no-such"),
    ):
        monkeypatch.setenv("KEEPSAKE_ENGINES__IMAGE", options)
        ended = keepsake("doctor", "--json")
        assert ended.status == 1
        assert any(sentence in problem for problem in ended.json["problems"])
