from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from pipelines.mini.data.debian import DebianPackage, deb_members, fetch_debian
from pipelines.mini.data.packages import PackageError


def write_deb(file: Path, files: dict[str, bytes]) -> str:
    """Write a Debian package that holds `files`; returns its SHA-256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(f"./{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": buffer.getvalue()}
    file.write_bytes(b"!<arch>\n" + b"".join(_member(name, content) for name, content in parts.items()))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def pinned(sha256: str) -> DebianPackage:
    return DebianPackage(name="chairs", version="1.8-1", licence="CC0-1.0", credit="Chairs", sha256=sha256)


def test_members_are_read_without_installing(tmp_path: Path) -> None:
    digest = write_deb(tmp_path / "chairs_1.8-1_all.deb", {"usr/share/a.sh3f": b"A", "usr/share/b.txt": b"B"})
    archive = fetch_debian(pinned(digest), tmp_path)
    assert list(deb_members(archive, ".sh3f")) == [("usr/share/a.sh3f", b"A")]


def test_another_package_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    write_deb(tmp_path / "chairs_1.8-1_all.deb", {"a": b"A"})
    with pytest.raises(PackageError, match="pinned is 0000"):
        fetch_debian(pinned("0000"), tmp_path)


def test_without_apt_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match=r"apt-get is needed .* put chairs_1\.8-1_all\.deb into"):
        fetch_debian(pinned("0000"), tmp_path / "cache")


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.deb"
    file.write_bytes(b"PK not a package")
    with pytest.raises(PackageError, match="not a Debian package"):
        list(deb_members(file, ""))
    file.write_bytes(b"!<arch>\n" + _member("debian-binary", b"2.0\n"))
    with pytest.raises(PackageError, match=r"no data\.tar"):
        list(deb_members(file, ""))
