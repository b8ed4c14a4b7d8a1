from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines.mini.data.turntable import SIDES, RenderError, Side, Turntable

EDGE = 48
# A cube; the face towards the viewer (+z) is red, the left one (-x) green, the rest white with a burning ambient.
CUBE = """
v -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\nv -1 -1 1\nv 1 -1 1\nv 1 1 1\nv -1 1 1
usemtl red\nf 5 6 7 8
usemtl green\nf 1 5 8 4
usemtl white\nf 2 1 4 3\nf 6 2 3 7\nf 8 7 3 4\nf 1 2 6 5
"""
MATERIALS = "newmtl red\nKa 1 1 1\nKd 0.8 0 0\nnewmtl green\nKa 1 1 1\nKd 0 0.8 0\nnewmtl white\nKd 0.8 0.8 0.8\n"
FRONT, LEFT = Side(yaw=0, height=0, words=""), Side(yaw=-90, height=0, words="")


def cube(folder: Path) -> tuple[Path, Path]:
    model, materials = folder / "cube.obj", folder / "cube.mtl"
    model.write_text(CUBE)
    materials.write_text(MATERIALS)
    return model, materials


def turntable() -> Turntable:
    try:
        return Turntable(EDGE)
    except RenderError as error:
        pytest.skip(str(error))


def test_sides_show_what_faces_them_on_transparent_ground(tmp_path: Path) -> None:
    front, left = turntable().render(*cube(tmp_path), rotation=None, sides=(FRONT, LEFT))
    for shot, channel in ((front, 0), (left, 1)):
        assert shot.shape == (EDGE, EDGE, 4) and shot.dtype == np.uint8
        assert shot[0, 0, 3] == 0
        middle = shot[EDGE // 2, EDGE // 2].astype(int)
        others = [middle[c] for c in range(3) if c != channel]
        # Not burnt to white, although the material asks for a full ambient light.
        assert middle[3] == 255 and middle[channel] > 120 and max(others) < 60


def test_a_rotation_brings_the_model_upright(tmp_path: Path) -> None:
    quarter = (0, 0, 1, 0, 1, 0, -1, 0, 0)  # the left face comes to the front
    (shot,) = turntable().render(*cube(tmp_path), rotation=quarter, sides=(FRONT,))
    assert shot[EDGE // 2, EDGE // 2, 1] > 120 > 2 * int(shot[EDGE // 2, EDGE // 2, 0])


def test_one_model_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    table = turntable()
    first = table.render(*cube(tmp_path), rotation=None, sides=(FRONT,))
    again = table.render(*cube(tmp_path), rotation=None, sides=(FRONT,))
    assert np.array_equal(first[0], again[0])


def test_without_vtk_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.mini.data.turntable.find_library", lambda name: name)
    monkeypatch.setitem(sys.modules, "vtkmodules.vtkRenderingCore", None)
    with pytest.raises(RenderError, match=r"pip install -r requirements-data\.txt"):
        Turntable(EDGE)


def test_without_a_library_to_draw_with_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("pipelines.mini.data.turntable.find_library", lambda name: None)
    with pytest.raises(RenderError, match="install EGL"):
        Turntable(EDGE)


def test_sides_are_two_to_twelve_and_start_plain() -> None:
    assert 2 <= len(SIDES) <= 12 and SIDES[0].words == ""
