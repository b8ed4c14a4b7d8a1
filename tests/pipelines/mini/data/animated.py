"""Small animated drawings in the layout of the real ones."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw


def animation(positions: Sequence[int], edge: int = 48, sizes: Sequence[int] | None = None) -> bytes:
    """A disc with a dark spot that stands at each of the positions in turn; `sizes` changes the disc's diameter."""
    frames = []
    for number, position in enumerate(positions):
        frame = Image.new("RGBA", (edge, edge))
        brush = ImageDraw.Draw(frame)
        diameter = edge - 5 if sizes is None else sizes[number]
        brush.ellipse((2, 2, 2 + diameter, 2 + diameter), (240, 190, 40, 255))
        # The last pixel differs from frame to frame: equal neighbours would be stored as one.
        brush.rectangle((6 + position, 20, 14 + position, 30), (20 + number, 20, 90, 255))
        frames.append(frame)
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=40)
    return buffer.getvalue()
