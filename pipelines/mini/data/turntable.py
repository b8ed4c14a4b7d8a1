"""Renders a textured OBJ model from several sides on transparent ground, off screen, with VTK.

VTK is needed for building the corpus alone (``requirements-data.txt``); it draws with the machine's EGL or OSMesa.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


class RenderError(RuntimeError):
    """A model could not be rendered."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """Where the camera stands: degrees to the right of the front, degrees above the horizon, and caption words."""

    yaw: float
    height: float
    words: str


SIDES = (
    Side(yaw=28, height=18, words=""),
    Side(yaw=0, height=12, words="seen from the front"),
    Side(yaw=-42, height=18, words="seen from the left"),
    Side(yaw=60, height=18, words="seen from the right"),
    Side(yaw=-85, height=14, words="seen from the side"),
    Side(yaw=150, height=18, words="seen from behind"),
    Side(yaw=-28, height=50, words="seen from above"),
    Side(yaw=215, height=30, words="seen from behind"),
)
_VIEW_ANGLE = 26.0
# Lights travel with the camera: (degrees to the right, degrees up, strength).
_LIGHTS = ((-30.0, 45.0, 0.8), (55.0, 15.0, 0.4))
_AMBIENT, _DIFFUSE, _SPECULAR = 0.42, 0.78, 0.12


class Turntable:
    """A window off screen that draws one model after the other.

    Args:
        edge: edge of the renderings in pixels.

    Raises:
        RenderError: VTK is missing, or the library that lets it draw off screen.
    """

    def __init__(self, edge: int) -> None:
        _demand_off_screen()
        try:
            self._rendering: Any = importlib.import_module("vtkmodules.vtkRenderingCore")
            importlib.import_module("vtkmodules.vtkRenderingOpenGL2")
            self._importing: Any = importlib.import_module("vtkmodules.vtkIOImport")
            self._arrays: Any = importlib.import_module("vtkmodules.util.numpy_support")
            common: Any = importlib.import_module("vtkmodules.vtkCommonCore")
        except ImportError as error:
            raise RenderError("VTK is missing; run: pip install -r requirements-data.txt") from error
        self._matrices: Any = importlib.import_module("vtkmodules.vtkCommonMath")
        # It warns on standard error of every material that a model forgot, and of the missing X server.
        common.vtkObject.GlobalWarningDisplayOff()
        self._window = self._rendering.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetAlphaBitPlanes(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(edge, edge)

    def render(
        self, model: Path, materials: Path, rotation: Sequence[float] | None, sides: Sequence[Side] = SIDES
    ) -> list[np.ndarray]:
        """Return the model as uint8 [E, E, 4] with straight alpha, seen from each side at one distance.

        Args:
            model: OBJ file, y up, its front towards +z.
            materials: MTL file; its textures lie in the same folder.
            rotation: a 3 × 3 matrix, row by row, that brings the model upright; None where it stands already.
            sides: where the camera stands.
        """
        scene = self._rendering.vtkRenderer()
        scene.SetBackground(0, 0, 0)
        scene.SetBackgroundAlpha(0)
        self._window.AddRenderer(scene)
        try:
            self._load(model, materials)
            self._dress(scene, rotation)
            self._light(scene)
            return [self._shoot(scene, side) for side in sides]
        finally:
            self._window.RemoveRenderer(scene)

    def _load(self, model: Path, materials: Path) -> None:
        reader = self._importing.vtkOBJImporter()
        reader.SetFileName(str(model))
        reader.SetFileNameMTL(str(materials))
        reader.SetTexturePath(str(materials.parent))
        reader.SetRenderWindow(self._window)
        reader.Update()

    def _dress(self, scene: Any, rotation: Sequence[float] | None) -> None:
        """Give every part the same lighting: many models ask for an ambient light that burns them to white."""
        for part in self._actors(scene):
            surface = part.GetProperty()
            surface.SetAmbientColor(surface.GetDiffuseColor())
            surface.SetAmbient(_AMBIENT)
            surface.SetDiffuse(_DIFFUSE)
            surface.SetSpecular(min(surface.GetSpecular(), _SPECULAR))
            if part.GetTexture() is not None:
                part.GetTexture().MipmapOn()
                part.GetTexture().InterpolateOn()
                # With more, Mesa's software renderer hangs on some models; pictures are shrunk anyway.
                part.GetTexture().SetMaximumAnisotropicFiltering(1)
            if rotation is not None:
                part.SetUserMatrix(self._matrix(rotation))

    def _actors(self, scene: Any) -> list[Any]:
        actors = scene.GetActors()
        return [actors.GetItemAsObject(number) for number in range(actors.GetNumberOfItems())]

    def _matrix(self, rotation: Sequence[float]) -> Any:
        matrix = self._matrices.vtkMatrix4x4()
        for place, value in enumerate(rotation):
            matrix.SetElement(place // 3, place % 3, value)
        return matrix

    def _light(self, scene: Any) -> None:
        scene.AutomaticLightCreationOff()
        scene.RemoveAllLights()
        for yaw, height, strength in _LIGHTS:
            light = self._rendering.vtkLight()
            light.SetLightTypeToCameraLight()
            light.SetPosition(*_direction(yaw, height))
            light.SetFocalPoint(0, 0, 0)
            light.SetIntensity(strength)
            scene.AddLight(light)

    def _shoot(self, scene: Any, side: Side) -> np.ndarray:
        left, right, bottom, top, back, front = scene.ComputeVisiblePropBounds()
        middle = np.array([left + right, bottom + top, back + front]) / 2
        radius = math.dist((left, bottom, back), (right, top, front)) / 2
        distance = radius / math.sin(math.radians(_VIEW_ANGLE / 2))
        camera = scene.GetActiveCamera()
        camera.SetFocalPoint(*middle)
        camera.SetPosition(*(middle + distance * np.array(_direction(side.yaw, side.height))))
        camera.SetViewUp(0, 1, 0)
        camera.SetViewAngle(_VIEW_ANGLE)
        scene.ResetCameraClippingRange()
        self._window.Render()
        return self._read()

    def _read(self) -> np.ndarray:
        shot = self._rendering.vtkWindowToImageFilter()
        shot.SetInput(self._window)
        shot.SetInputBufferTypeToRGBA()
        shot.ReadFrontBufferOff()
        shot.Update()
        width, height, _ = shot.GetOutput().GetDimensions()
        pixels = self._arrays.vtk_to_numpy(shot.GetOutput().GetPointData().GetScalars()).reshape(height, width, 4)
        # Blended over nothing, the colours come out premultiplied, and the rows from below.
        premultiplied = Image.frombytes("RGBa", (width, height), pixels[::-1].tobytes())
        return np.asarray(premultiplied.convert("RGBA"))


def _demand_off_screen() -> None:
    # Without one, VTK on Linux does not complain but crashes.
    if sys.platform == "linux" and not any(find_library(name) for name in ("EGL", "OSMesa")):
        raise RenderError("VTK finds no library to draw with; install EGL (Debian: apt-get install libegl1).")


def _direction(yaw: float, height: float) -> tuple[float, float, float]:
    turn, tilt = math.radians(yaw), math.radians(height)
    return math.sin(turn) * math.cos(tilt), math.sin(tilt), math.cos(turn) * math.cos(tilt)
