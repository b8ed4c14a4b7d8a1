from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
VERBS = ("serve", "concept", "generate", "doctor", "models")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_shows_the_verbs_and_loads_nothing_heavy() -> None:
    done = python("-X", "importtime", "-m", "studio", "--help")
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"torch", "gradio", "diffusers", "transformers", "sqlalchemy", "numpy", "onnxruntime"}


@pytest.mark.parametrize("arguments", [(), ("concept",), ("models",)])
def test_without_a_verb_there_is_help(arguments: tuple[str, ...], keepsake) -> None:
    ended = keepsake(*arguments)
    assert ended.status == 0
    assert "Usage: keepsake" in ended.out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("draw",), "No such command 'draw'"),
        (("generate",), "Missing argument"),
        (("generate", "a dog"), "Missing option '--out'"),
        (("generate", "a dog", "--out", "x", "--count", "many"), "Invalid value for '--count'"),
        (("generate", "a dog", "--out", "x", "--colour", "red"), "No such option"),
        (("concept", "add", "Bo"), "Missing argument"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: tuple[str, ...], reason: str, keepsake, one_line) -> None:
    one_line(keepsake(*arguments), reason, status=2)


def test_a_settings_file_that_is_not_there(keepsake, one_line) -> None:
    one_line(keepsake("concept", "list", config=Path("nothing.yaml")), "nothing.yaml", "cannot be read")


def test_a_data_folder_that_cannot_be_used(keepsake, one_line, tmp_path) -> None:
    (tmp_path / "data").write_bytes(b"a file, not a folder")
    one_line(keepsake("concept", "list"), str(tmp_path / "data"))


def test_as_a_module_a_bad_verb_ends_with_2() -> None:
    done = python("-m", "studio", "draw")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: No such command 'draw'."]
