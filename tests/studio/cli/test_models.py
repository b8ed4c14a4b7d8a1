from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

CONTENT = b"weights"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keepsake) -> Path:
    """A catalogue with a model that is here and one that is not; returns the folder of downloaded models."""
    member = {"path": "b.onnx", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    hub = {"hub": "owner/repo", "revision": "abc", "files": {"b.onnx": member}}
    catalogue = {
        "here": {"purpose": "tests", "licence": "MIT", "sources": [{"local": "here.onnx"}]},
        "gone": {"purpose": "tests", "licence": "MIT", "upstream": "x", "sources": [hub]},
    }
    (tmp_path / "here.onnx").write_bytes(CONTENT)
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": catalogue}, sort_keys=False))
    monkeypatch.setenv("KEEPSAKE_MODELS", str(tmp_path / "models.yaml"))
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "downloaded"))
    monkeypatch.setenv("KEEPSAKE_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    return tmp_path / "downloaded"


def test_list(keepsake, models) -> None:
    lines = [line.split() for line in keepsake("models", "list").out.splitlines()]
    assert lines[1][:4] == ["here", "here", "7", "B"]
    assert lines[2][:4] == ["gone", "missing", "7", "B"]
    here, gone = keepsake("models", "list", "--json").json
    assert (here["name"], here["present"], here["source"]) == ("here", True, "local here.onnx")
    assert (gone["present"], gone["path"], gone["sha256"]) == (
        False,
        None,
        {"b.onnx": hashlib.sha256(CONTENT).hexdigest()},
    )


def test_fetch_names_what_is_missing_and_fetches_the_rest(keepsake, models, tmp_path) -> None:
    ended = keepsake("models", "fetch")
    assert ended.status == 1
    assert ended.out == f"here: {tmp_path / 'here.onnx'}\n"
    assert len(ended.err.splitlines()) == 1
    assert "The model 'gone' (tests) is missing" in ended.err


def test_fetch_by_name(keepsake, models, tmp_path, one_line) -> None:
    assert keepsake("models", "fetch", "here", "--json").json == [{"name": "here", "path": str(tmp_path / "here.onnx")}]
    one_line(keepsake("models", "fetch", "other"), "no model named 'other'; known are here, gone")


def test_an_optional_model_may_be_absent(keepsake, models, tmp_path, one_line) -> None:
    listed = yaml.safe_load((tmp_path / "models.yaml").read_text())
    listed["models"]["gone"]["optional"] = True
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(listed, sort_keys=False))
    ended = keepsake("models", "fetch")
    assert (ended.status, ended.err) == (0, "")
    assert keepsake("models", "list").out.splitlines()[2].split()[:2] == ["gone", "optional"]
    one_line(keepsake("models", "fetch", "gone"), "The model 'gone' (tests) is missing")


def test_a_copy_made_by_hand_is_found(keepsake, models) -> None:
    (models / "gone").mkdir(parents=True)
    (models / "gone" / "b.onnx").write_bytes(CONTENT)
    assert keepsake("models", "fetch").status == 0
    assert keepsake("models", "list", "--json").json[1]["source"] == "your own copy"


@pytest.mark.parametrize("verb", [("models", "list"), ("models", "fetch"), ("doctor",)])
def test_a_catalogue_that_makes_no_sense(verb, keepsake, models, tmp_path, one_line) -> None:
    (tmp_path / "models.yaml").write_text("models: 3")
    one_line(keepsake(*verb), "models.yaml is wrong at models")
