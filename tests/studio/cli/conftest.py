"""The command line with engines without weights, in a folder of the test's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from studio.cli.app import app

FAKE = Path(__file__).resolve().parents[3] / "configs" / "studio.fake.yaml"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a verb ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was written to stdout, read as JSON."""
        return json.loads(self.out)


Verb = Callable[..., Ended]


@pytest.fixture
def keepsake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """Run a verb: ``keepsake("concept", "list", "--json")``."""
    for variable in [name for name in os.environ if name.startswith("KEEPSAKE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("KEEPSAKE_ENGINES__IMAGE__OPTIONS__STEP_SECONDS", "0")
    monkeypatch.setenv("KEEPSAKE_ENGINES__IMAGE__OPTIONS__SIZE", "64")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, config: Path = FAKE) -> Ended:
        before = ("--config", str(config), "--data-dir", str(tmp_path / "data"))
        result = CliRunner().invoke(app, [*before, *map(str, arguments)], prog_name="keepsake")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(status=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def photo_file(photo: Callable[..., bytes], tmp_path: Path) -> Path:
    """A photo on disk."""
    path = tmp_path / "bo.jpg"
    path.write_bytes(photo())
    return path


@pytest.fixture
def one_line() -> Callable[..., None]:
    """Check that a verb ended badly, with one line that holds some parts, and said nothing else."""

    def check(ended: Ended, *parts: str, status: int = 1) -> None:
        assert ended.status == status
        assert ended.out == ""
        assert len(ended.err.splitlines()) == 1, ended.err
        assert ended.err.startswith("error: ")
        for part in parts:
            assert part in ended.err

    return check
