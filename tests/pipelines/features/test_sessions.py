from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.features.sessions import open_session
from tests.pipelines.features.tiny_onnx import write_tinyvit


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx"):
        open_session(tmp_path / "nothing.onnx")


def test_no_threads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        open_session(write_tinyvit(tmp_path / "tiny.onnx"), threads=0)


def test_an_unknown_provider_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="abacus"):
        open_session(write_tinyvit(tmp_path / "tiny.onnx"), provider="abacus")  # type: ignore[arg-type]


def test_a_session_opens(tmp_path: Path) -> None:
    session = open_session(write_tinyvit(tmp_path / "tiny.onnx"), threads=2)
    assert [node.name for node in session.get_inputs()] == ["input"]
