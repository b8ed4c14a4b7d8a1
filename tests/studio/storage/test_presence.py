from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from studio.config import ROOT
from studio.errors import StudioError
from studio.storage.presence import Presence


def test_a_process_is_at_work_until_it_closes(tmp_path: Path) -> None:
    one, two = Presence(tmp_path / "locks"), Presence(tmp_path / "locks")
    name = one.announce()
    assert one.announce() == name
    assert one.at_work(name)
    assert two.at_work(name)
    one.close()
    assert not two.at_work(name)
    assert list((tmp_path / "locks").iterdir()) == []


def test_nobody_is_at_work_before_somebody_says_so(tmp_path: Path) -> None:
    assert not Presence(tmp_path / "locks").at_work(uuid.uuid4().hex)
    assert not (tmp_path / "locks").exists()


def test_a_process_that_was_killed_is_not_at_work(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from studio.storage.presence import Presence\n"
        "print(Presence(Path(sys.argv[1])).announce(), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    name = done.stdout.strip()
    assert (tmp_path / f"{name}.lock").exists()
    assert not Presence(tmp_path).at_work(name)


def test_what_others_left_behind_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f"{uuid.uuid4().hex}.lock").touch()
    (tmp_path / "notes.lock").touch()
    here = Presence(tmp_path)
    name = here.announce()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"{name}.lock", "notes.lock"])
    here.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file is in the way")
    with pytest.raises(StudioError, match="locks"):
        Presence(tmp_path / "locks").announce()
