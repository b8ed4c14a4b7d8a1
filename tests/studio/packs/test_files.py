from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from studio.domain.stickers import BuiltPack, Messenger, PackLabel
from studio.errors import InvalidInput, StorageFull
from studio.packs.files import read, wastickers, write, zipped

FILES = {"contents.json": b"{}", "bo/tray.png": b"tray", "bo/01.webp": b"one"}
PACK = BuiltPack(
    messenger=Messenger.WHATSAPP, label=PackLabel(identifier="bo", title="Bo"), files=FILES, stickers=1, largest=3
)


def test_a_pack_is_a_folder_and_its_archives(tmp_path: Path) -> None:
    paths = write(PACK, tmp_path / "out")
    assert [path.name for path in paths] == ["bo-whatsapp", "bo-whatsapp.zip", "bo-whatsapp.wastickers"]
    assert read(paths[0]) == read(paths[1]) == FILES
    with zipfile.ZipFile(paths[2]) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "title.txt": b"Bo", "author.txt": b"Keepsake", "tray.png": b"tray", "01.webp": b"one",
        }  # fmt: skip


def test_the_same_pack_is_the_same_archive() -> None:
    assert zipped(PACK) == zipped(PACK)
    assert wastickers(PACK) == wastickers(PACK)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bo-whatsapp.zip").write_bytes(b"mine")
    names = [[path.name for path in write(PACK, tmp_path)] for _ in range(2)]
    assert [name[0] for name in names] == ["bo-whatsapp-2", "bo-whatsapp-3"]
    assert (tmp_path / "bo-whatsapp.zip").read_bytes() == b"mine"


@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_full_disk_leaves_nothing(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(Path, failing)
    calls: list[Path] = []

    def full(path: Path, *arguments: object) -> object:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(path, *arguments)

    monkeypatch.setattr(Path, failing, full)
    with pytest.raises(StorageFull, match="No space left"):
        write(PACK, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="cannot be made"):
        write(PACK, tmp_path / "file")


def test_what_is_no_pack_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_bytes(b"not a zip")
    for path, sentence in ((tmp_path / "notes.zip", "neither"), (tmp_path / "nothing", "no pack")):
        with pytest.raises(InvalidInput, match=sentence):
            read(path)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.webp", b"\0" * 70_000_000)
    with pytest.raises(InvalidInput, match="too much"):
        read(tmp_path / "bomb.zip")
