from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.mini.data.packages import Package, PackageError, fetch, member_json, members
from tests.pipelines.mini.data.archives import package, write_archive


def pinned(name: str, sha256: str) -> Package:
    return Package(**package(name, sha256))


def test_an_archive_that_is_there_is_taken(tmp_path: Path) -> None:
    digest = write_archive(tmp_path / "art-soft-1.0.tgz", {"a.svg": b"<svg/>", "b.txt": b"no", "n.json": b'{"n": 1}'})
    archive = fetch(pinned("@art/soft", digest), tmp_path)
    assert list(members(archive, ".svg")) == [("a.svg", b"<svg/>")]
    assert member_json(archive, "n.json") == {"n": 1}


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    digest = write_archive(tmp_path / "flat-1.0.tgz", {"a.svg": b"<svg/>"})
    with pytest.raises(PackageError, match=f"flat-1.0.tgz has sha256 {digest}, pinned is {'0' * 64}"):
        fetch(pinned("flat", "0" * 64), tmp_path)


def test_without_npm_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match=r"npm is needed to fetch flat.*put flat-1\.0\.tgz into"):
        fetch(pinned("flat", "0" * 64), tmp_path / "cache")
