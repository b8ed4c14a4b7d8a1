from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from studio.errors import NotFound, StorageFull
from studio.storage.files import FileStore


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files") if request.param == "local" else f"memory://{uuid4().hex}")


@pytest.fixture
def local(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files"))


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def full_disk(local: FileStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every write run into the end of the disk half-way, as a real one does."""
    opened = type(local._fs)._open

    def _open(fs: object, path: str, mode: str = "rb", **options: object) -> object:
        file = opened(fs, path, mode, **options)
        if "w" in mode:
            whole = file.write

            def write(data: bytes) -> int:
                whole(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")

            file.write = write
        return file

    monkeypatch.setattr(type(local._fs), "_open", _open)
    yield


def test_a_content_comes_back_under_its_hash(store: FileStore) -> None:
    key = store.put(b"content", ".bin")
    assert key == "ed/7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73.bin"
    assert store.get(key) == b"content"
    assert store.exists(key)
    assert list(store.keys()) == [key]


def test_the_same_content_is_stored_once(store: FileStore) -> None:
    assert store.put(b"content", ".bin") == store.put(b"content", ".bin")
    assert len(list(store.keys())) == 1


def test_what_is_deleted_is_gone_with_its_thumbnails(
    local: FileStore, tmp_path: Path, photo: Callable[..., bytes]
) -> None:
    key = local.put(photo(), ".jpg")
    local.thumbnail(key, 16)
    local.thumbnail(key, 32)
    local.delete(key)
    assert files_under(tmp_path) == []
    local.delete(key)
    with pytest.raises(NotFound, match=key):
        local.get(key)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "ab/../x.png", "", "ab/" + "c" * 62, "/etc/passwd", "AB/" + "C" * 62 + ".png"]
)
def test_nothing_outside_the_store_can_be_named(store: FileStore, key: str) -> None:
    for access in (store.get, store.exists, store.delete, store.thumbnail):
        with pytest.raises(NotFound, match="not the key"):
            access(key)


def test_a_thumbnail_is_small_keeps_transparency_and_is_made_once(local: FileStore, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (400, 200), (255, 0, 0, 0)).save(buffer, "PNG")
    key = local.put(buffer.getvalue(), ".png")
    made = local.thumbnail(key, edge=64)
    with Image.open(io.BytesIO(made)) as small:
        assert (small.format, small.mode, small.size) == ("WEBP", "RGBA", (64, 32))
    (tmp_path / "files" / key).write_bytes(b"changed behind its back")
    assert local.thumbnail(key, edge=64) == made


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_said_and_leaves_nothing(local: FileStore, tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="disk is full"):
        local.put(b"x" * 1000, ".bin")
    assert files_under(tmp_path) == []


def test_a_thumbnail_is_shown_on_a_full_disk(
    local: FileStore, photo: Callable[..., bytes], request: pytest.FixtureRequest
) -> None:
    key = local.put(photo(), ".jpg")
    request.getfixturevalue("full_disk")
    assert local.thumbnail(key)
    assert list(local.keys()) == [key]


def test_another_error_of_the_disk_is_not_taken_for_a_full_one(
    local: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(type(local._fs), "_open", refuse)
    with pytest.raises(OSError, match="Input/output"):
        local.put(b"content", ".bin")


def test_the_store_makes_its_folder(tmp_path: Path) -> None:
    FileStore(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()
