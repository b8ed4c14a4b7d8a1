"""The models that pictures are looked at with, at tiny size."""

from __future__ import annotations

from pathlib import Path

from pipelines.textimage.modeling_mini_clip import MiniClip
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.features.tiny_onnx import write_clip_vision, write_tinyvit, write_u2netp


def write_eyes(folder: Path) -> None:
    """Write each under its name for the resolver; what stands out of a picture is what is red."""
    write_minilm(folder / "minilm")
    write_clip_vision(folder / "clip-vision")
    write_tinyvit(folder / "tinyvit")
    write_u2netp(folder / "u2netp")
    heads = MiniClip(
        image_features=("clip-vision", "tinyvit"), image_dims=(512, 320), text_dim=16, hidden_dim=8, kind_scale=10.0
    )
    heads.save_pretrained(folder / "textimage")
