"""Fetches the pinned drawing packages from the npm registry and reads single members; nothing in them is executed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class PackageError(RuntimeError):
    """A drawing package could not be fetched or is not the pinned one."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A pinned npm package: its name, version, the licence of its art and whom to credit."""

    name: str
    version: str
    licence: str
    credit: str
    sha256: str

    @property
    def archive_name(self) -> str:
        """File name that ``npm pack`` gives the archive."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def fetch(package: Package, cache: Path) -> Path:
    """Return the archive of `package` in `cache`, downloading it with npm where it is missing.

    Raises:
        PackageError: npm is missing, the download failed, or the checksum differs.
    """
    archive = cache / package.archive_name
    if not archive.exists():
        if shutil.which("npm") is None:
            raise PackageError(
                f"npm is needed to fetch {package.name}; install Node.js or put {archive.name} into {cache}."
            )
        cache.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PackageError(f"npm could not fetch {package.name}@{package.version}: {done.stderr.strip()[-300:]}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise PackageError(f"{archive.name} has sha256 {digest}, pinned is {package.sha256}; delete it and try again.")
    return archive


def members(archive: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield (path inside the package, content) of every regular file whose name ends in `suffix`."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(suffix):
                handle = tar.extractfile(member)
                assert handle is not None, member.name
                yield member.name.removeprefix("package/"), handle.read()


def member_json(archive: Path, path: str) -> dict | list:
    """Return one JSON member of the package."""
    with tarfile.open(archive) as tar:
        handle = tar.extractfile(f"package/{path}")
        assert handle is not None, path
        return json.loads(handle.read())
