from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from pipelines.mini.training import assemble, cache, denoiser, library
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.mini.tiny_mini import TEXT_WIDTH
from tests.pipelines.mini.training.corpus import write_corpus


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    """Accelerate keeps precision and device for the whole process; other tests choose other ones."""
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "data")


@pytest.fixture
def minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny text encoder, found in place of the pretrained one."""
    folder = write_minilm(tmp_path / "minilm", width=TEXT_WIDTH)
    for stage in (cache, library, denoiser, assemble):
        monkeypatch.setattr(stage, "resolve", lambda name: {"minilm": folder}[name])
    return folder
