"""Packs on disk: written all or nothing beside what is there, as a folder and archives; read without trusting names."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from studio.domain.stickers import BuiltPack, Messenger
from studio.errors import InvalidInput, StorageFull

_BYTES_MAX = 64_000_000  # of a pack that is read
_FILES_MAX = 500
_ALWAYS = (2020, 1, 1, 0, 0, 0)  # the time in archives: the same pack is the same file


def zipped(pack: BuiltPack) -> bytes:
    """Return the pack as a zip, its files in a folder of the pack's name."""
    return _archive({f"{pack.name}/{name}": data for name, data in pack.files.items()})


def wastickers(pack: BuiltPack) -> bytes:
    """Return a WhatsApp pack as the flat archive that importing apps open: title, author, icon and stickers."""
    inside = {PurePosixPath(name).name: data for name, data in pack.files.items() if "/" in name}
    words = {"title.txt": pack.label.title.encode(), "author.txt": pack.label.publisher.encode()}
    return _archive({**words, **inside})


def archives(pack: BuiltPack) -> dict[str, bytes]:
    """Return the archives a pack comes as, by their suffix with its dot."""
    extra = {".wastickers": wastickers(pack)} if pack.messenger is Messenger.WHATSAPP else {}
    return {".zip": zipped(pack), **extra}


def write(pack: BuiltPack, folder: Path) -> list[Path]:
    """Write the pack into `folder` as a folder of its files and as archives; returns their paths, the folder first.

    Everything is written beside its place first and moved there when it is whole. Nothing is overwritten:
    where the name is taken a number is added.

    Raises:
        InvalidInput: `folder` cannot be made.
        StorageFull: something cannot be written; nothing of the pack remains.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder {folder} cannot be made: {error.strerror}.") from error
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            return _moved(_staged(pack, Path(unfinished)), folder, pack.name)
    except OSError as error:
        raise StorageFull(f"The pack cannot be written to {folder}: {error.strerror}.") from error


def read(path: Path) -> dict[str, bytes]:
    """Return the files of a pack, from a folder or a zip, by their path in it.

    Raises:
        InvalidInput: there is nothing, it is no zip, or it is too large for a pack.
    """
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
        _check_size(path, len(found), sum(file.stat().st_size for file in found.values()))
        return {name: file.read_bytes() for name, file in found.items()}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_size(path, len(entries), sum(entry.file_size for entry in entries))
            return _without_folder({entry.filename: archive.read(entry) for entry in entries})
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no pack at {path}.") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(f"{path} is neither a folder nor a zip that can be read.") from error


def _archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # pictures do not get smaller twice
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), data)
    return buffer.getvalue()


def _staged(pack: BuiltPack, place: Path) -> dict[str, Path]:
    inside = place / "pack"
    for name, data in pack.files.items():
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_bytes(data)
    staged = {"": inside}
    for suffix, data in archives(pack).items():
        staged[suffix] = place / f"pack{suffix}"
        staged[suffix].write_bytes(data)
    return staged


def _moved(staged: dict[str, Path], folder: Path, name: str) -> list[Path]:
    number = 1
    while any(os.path.lexists(target) for target in _targets(staged, folder, name, number)):
        number += 1
    moved: list[Path] = []
    try:
        for source, target in zip(staged.values(), _targets(staged, folder, name, number), strict=True):
            source.rename(target)
            moved.append(target)
    except OSError:
        for target in moved:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        raise
    return moved


def _targets(staged: dict[str, Path], folder: Path, name: str, number: int) -> list[Path]:
    stem = name if number == 1 else f"{name}-{number}"
    return [folder / f"{stem}{suffix}" for suffix in staged]


def _check_size(path: Path, files: int, size: int) -> None:
    if files > _FILES_MAX or size > _BYTES_MAX:
        raise InvalidInput(f"{path} holds {files} files and {size / 1e6:.0f} MB, which is too much for a sticker pack.")


def _without_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files as seen from inside the one folder an archive of ours wraps them in."""
    tops = {PurePosixPath(name).parts[0] for name in files}
    if len(tops) != 1 or any("/" not in name for name in files):
        return files
    (top,) = tops
    return {name.removeprefix(f"{top}/"): data for name, data in files.items()}
