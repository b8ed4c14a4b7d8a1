"""Pictures as the autoencoder sees them: premultiplied RGBA in [-1, 1], so invisible colour carries no information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def to_tensor(pictures: np.ndarray, size: int | None = None) -> torch.Tensor:
    """Return straight-alpha uint8 pictures [B, S, S, 4] as premultiplied float32 [B, 4, size, size] in [-1, 1].

    Args:
        pictures: S must be a multiple of `size`; averaging premultiplied colours keeps edges free of fringes.
        size: edge of the result; None keeps S.
    """
    values = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div_(255)
    values[:, :3] *= values[:, 3:]
    if size is not None and size != values.shape[-1]:
        if values.shape[-1] % size:
            raise ValueError(
                f"pictures of {values.shape[-1]} px cannot be averaged to {size} px; the corpus needs a multiple."
            )
        values = F.avg_pool2d(values, values.shape[-1] // size)
    return values.mul_(2).sub_(1)


def to_pictures(values: torch.Tensor) -> list[Image.Image]:
    """Return premultiplied [B, 4, S, S] in [-1, 1] (clipped) as straight-alpha RGBA pictures.

    Alpha is stretched by a few percent at both ends: a decoder never reaches exactly 0 or 1, and a sticker must not
    have a haze around it nor let the wall shine through.
    """
    unit = values.detach().float().cpu().clamp(-1, 1).add(1).div(2)
    colour, alpha = unit[:, :3], unit[:, 3:]
    straight = torch.where(alpha > 0.02, colour / alpha.clamp(min=0.02), torch.zeros_like(colour)).clamp(0, 1)
    solid = ((alpha - 0.06) / 0.88).clamp(0, 1)
    stacked = torch.cat([straight, solid], dim=1).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture, "RGBA") for picture in stacked]


def on_ground(pictures: Sequence[Image.Image], ground: tuple[int, int, int] = (236, 236, 240)) -> list[Image.Image]:
    """Return the pictures laid on a plain ground, RGB."""
    sheets = [Image.new("RGBA", picture.size, (*ground, 255)) for picture in pictures]
    for sheet, picture in zip(sheets, pictures, strict=True):
        sheet.alpha_composite(picture)
    return [sheet.convert("RGB") for sheet in sheets]


def contact_sheet(
    pictures: Sequence[Image.Image], columns: int, ground: tuple[int, int, int] = (236, 236, 240)
) -> Image.Image:
    """Return the pictures (all of one size) side by side, `columns` in a row, on a plain ground."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), ground)
    for place, picture in enumerate(on_ground(pictures, ground)):
        sheet.paste(picture, (place % columns * width, place // columns * height))
    return sheet
