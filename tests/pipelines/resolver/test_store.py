from __future__ import annotations

import hashlib
import os
from pathlib import Path

import filelock
import pytest

from pipelines.resolver.spec import ModelSpec
from pipelines.resolver.store import Store, models_dir

CONTENT = b"the weights"


@pytest.fixture
def spec() -> ModelSpec:
    member = {"path": "a.onnx", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    source = {"hub": "owner/repo", "revision": "abc", "files": {"a.onnx": member}}
    return ModelSpec.model_validate({"purpose": "tests", "licence": "MIT", "sources": [source]})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(root=tmp_path / "models")


def fill(store: Store, spec: ModelSpec, content: bytes = CONTENT) -> Path:
    with store.locked("model"), store.replacing("model", spec.remotes[0]) as folder:
        (folder / "a.onnx").write_bytes(content)
    return store.folder("model")


def test_remembers_where_a_model_came_from(store, spec) -> None:
    assert store.source_of("model", spec) is None
    fill(store, spec)
    assert store.source_of("model", spec) == "hub owner/repo@abc"
    assert store.source_of("model", spec, reread=True) == "hub owner/repo@abc"


@pytest.mark.parametrize("damaged", [b"other bytes", b"shorter", b""])
def test_a_file_that_changed_is_noticed(damaged, store, spec) -> None:
    fill(store, spec).joinpath("a.onnx").write_bytes(damaged)
    assert store.source_of("model", spec) is None


def test_damage_that_left_size_and_time_alone_is_noticed_by_rereading(store, spec) -> None:
    file = fill(store, spec) / "a.onnx"
    before = file.stat()
    file.write_bytes(b"THE WEIGHTS")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.source_of("model", spec, reread=True) is None


def test_a_file_whose_time_changed_is_read_again(store, spec) -> None:
    os.utime(fill(store, spec) / "a.onnx", (1, 1))
    assert store.source_of("model", spec) == "hub owner/repo@abc"


def test_a_copy_made_by_hand_is_accepted_if_it_is_right(store, spec) -> None:
    store.folder("model").mkdir(parents=True)
    (store.folder("model") / "a.onnx").write_bytes(CONTENT)
    assert store.source_of("model", spec) == "your own copy"
    assert store.source_of("model", spec) == "your own copy"


def test_a_damaged_receipt_costs_a_second_look_only(store, spec) -> None:
    fill(store, spec).joinpath("receipt.json").write_text("[1, 2")
    assert store.source_of("model", spec) == "your own copy"


def test_replacing_appears_whole_or_not_at_all(store, spec) -> None:
    with pytest.raises(KeyboardInterrupt), store.replacing("model", spec.remotes[0]) as folder:
        (folder / "a.onnx").write_bytes(CONTENT[:3])
        assert not store.folder("model").exists()
        raise KeyboardInterrupt
    assert not store.folder("model").exists()
    assert not list((store.root / ".work").iterdir())


def test_a_failed_update_keeps_the_model_that_is_there(store, spec) -> None:
    fill(store, spec)
    with pytest.raises(OSError, match="full"), store.replacing("model", spec.remotes[0]):
        raise OSError("the disk is full")
    assert store.source_of("model", spec) == "hub owner/repo@abc"


def test_replaces_what_was_there(store, spec) -> None:
    fill(store, spec, b"old")
    fill(store, spec)
    assert store.source_of("model", spec) == "hub owner/repo@abc"
    assert not list((store.root / ".work").iterdir())


def test_what_a_killed_process_left_is_cleared_away(store, spec) -> None:
    leftover = store.root / ".work" / "model@killed" / "new"
    leftover.mkdir(parents=True)
    (leftover / "a.onnx").write_bytes(b"half")
    fill(store, spec)
    assert not leftover.exists()


def test_one_at_a_time(store) -> None:
    other = filelock.FileLock(store.root / ".locks" / "model.lock", is_singleton=False)
    with store.locked("model"), pytest.raises(filelock.Timeout):
        other.acquire(timeout=0)
    other.acquire(timeout=0)
    other.release()


def test_the_folder_is_the_users_cache_unless_said_otherwise(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("KEEPSAKE_MODELS_DIR", raising=False)
    assert models_dir().parts[-2:] == ("keepsake", "models")
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path))
    assert models_dir() == tmp_path
