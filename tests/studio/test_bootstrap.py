from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio.bootstrap import build_studio
from studio.config import ROOT, EngineConfig, EnginesConfig, StudioConfig
from studio.errors import InvalidInput


def test_a_studio_with_the_real_engines_is_built_without_importing_them(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from studio.bootstrap import build_studio\n"
        "from studio.config import load_config\n"
        f"build_studio(load_config(data_dir=Path({str(tmp_path)!r}))).close()\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'gradio', 'onnxruntime'}\n"
        "heavy |= {name for name in sys.modules if name.startswith('pipelines.')}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_engine_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    config = StudioConfig(data_dir=tmp_path / "data", engines=EnginesConfig(image=EngineConfig(name="dreamer")))
    with pytest.raises(InvalidInput, match=r"'dreamer'.*diffusers, fake"):
        build_studio(config)
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    with pytest.raises(InvalidInput, match="data"):
        build_studio(StudioConfig(data_dir=tmp_path / "data"))


def test_two_studios_share_their_records(fake_config: StudioConfig) -> None:
    first, second = build_studio(fake_config), build_studio(fake_config)
    assert first.concepts.list() == second.concepts.list() == []
    first.close()
    second.close()
