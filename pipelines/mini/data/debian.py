"""Fetches pinned Debian packages with apt and reads single members; nothing is installed or executed."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.mini.data.packages import Package, PackageError, fetch

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True, kw_only=True)
class DebianPackage(Package):
    """A pinned Debian package for all architectures."""

    @property
    def archive_name(self) -> str:
        """File name that ``apt-get download`` gives the archive."""
        return f"{self.name}_{self.version}_all.deb"


def fetch_debian(package: DebianPackage, cache: Path) -> Path:
    """Return the archive of `package` in `cache`, downloading it with apt where it is missing.

    Raises:
        PackageError: apt is missing, the download failed, or the checksum differs.
    """
    if not (cache / package.archive_name).exists():
        _download(package, cache)
    return fetch(package, cache)


def _download(package: DebianPackage, cache: Path) -> None:
    by_hand = f"put {package.archive_name} into {cache} (every version lies on snapshot.debian.org)"
    if shutil.which("apt-get") is None:
        raise PackageError(f"apt-get is needed to fetch {package.name}; without it, {by_hand}.")
    cache.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", f"{package.name}={package.version}"]
    done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-300:]
        raise PackageError(f"apt-get could not fetch {package.name}={package.version}: {said}; {by_hand}.")


def deb_members(archive: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of every regular file of a ``.deb`` whose name ends in `suffix`.

    Raises:
        PackageError: the file is not a Debian package.
    """
    with tarfile.open(fileobj=io.BytesIO(_data_member(archive))) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(suffix):
                handle = tar.extractfile(member)
                assert handle is not None, member.name
                yield member.name.removeprefix("./"), handle.read()


def _data_member(archive: Path) -> bytes:
    """Return the ``data.tar.*`` of the package: an ``ar`` archive, 60 bytes of header before each even-sized member."""
    with archive.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise PackageError(f"{archive.name} is not a Debian package; delete it and try again.")
        while len(header := file.read(_HEADER)) == _HEADER:
            name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
            if name.startswith("data.tar"):
                return file.read(size)
            file.seek(size + size % 2, io.SEEK_CUR)
    raise PackageError(f"{archive.name} holds no data.tar; delete it and try again.")
