from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipelines.textimage.loading import load_heads
from pipelines.textimage.modeling_mini_clip import MiniClip
from pipelines.textimage.train import write


def _heads() -> MiniClip:
    torch.manual_seed(0)
    return MiniClip(image_features=("clip-vision", "tinyvit"), image_dims=(8, 6), text_dim=5, hidden_dim=16).eval()


def test_the_image_head_starts_as_the_identity_on_its_anchor() -> None:
    heads = _heads()
    heads.image_mean.copy_(torch.randn(14) * 0.1)
    features = torch.nn.functional.normalize(torch.randn(3, 14), dim=-1)
    assert torch.allclose(heads.project_images(features), heads.anchor(features), atol=1e-6)


def test_projections_have_length_one() -> None:
    heads = _heads()
    assert torch.allclose(heads.project_texts(torch.randn(4, 5)).norm(dim=-1), torch.ones(4), atol=1e-5)


def test_the_scale_is_bounded() -> None:
    heads = _heads()
    heads.log_scale.data.fill_(9.0)
    assert heads.scale().item() == pytest.approx(100.0, rel=1e-4)


def test_widths_must_match_the_names() -> None:
    with pytest.raises(ValueError, match="2 image features"):
        MiniClip(image_features=("clip-vision", "tinyvit"), image_dims=(8,))


def test_written_heads_come_back_in_full_precision(tmp_path: Path) -> None:
    heads = _heads()
    heads.register_to_config(kind_scale=12.5)
    features = torch.randn(2, 14)
    before = heads.project_images(features)
    write(heads, tmp_path / "textimage")
    again = load_heads(tmp_path / "textimage")
    assert again.config.kind_scale == 12.5 and again.log_scale.dtype == torch.float32
    assert torch.allclose(again.project_images(features), before, atol=2e-3)
    assert {file.suffix for file in (tmp_path / "textimage").iterdir()} == {".json", ".safetensors"}
