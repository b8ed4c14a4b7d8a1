"""sRGB ↔ CIELAB (D65), where distances are about as large as they look: 0 is equal, 100 black to white."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_LINEAR = 6 / 29  # below this the cube root is replaced by a line


def to_lab(rgb: ArrayLike) -> NDArray[np.float64]:
    """Return CIELAB values [..., 3] of sRGB values [..., 3] in 0–255."""
    share = np.asarray(rgb, np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    root = np.where(xyz > _LINEAR**3, np.cbrt(xyz), xyz / (3 * _LINEAR**2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: ArrayLike) -> NDArray[np.float64]:
    """Return sRGB values [..., 3] in 0–255 of CIELAB values [..., 3]; what sRGB cannot show is clipped."""
    lightness, green_red, blue_yellow = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    y = (lightness + 16) / 116
    root = np.stack([y + green_red / 500, y, y - blue_yellow / 200], axis=-1)
    xyz = np.where(root > _LINEAR, root**3, 3 * _LINEAR**2 * (root - 4 / 29)) * _WHITE
    linear = np.clip(xyz @ np.linalg.inv(_TO_XYZ).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
