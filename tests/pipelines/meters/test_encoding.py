from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.meters.encoding import _KEPT, content_of
from tests.pipelines.meters.tiny_meters import ball, encoder


def test_a_picture_is_looked_at_once_and_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once, plain = encoder(tmp_path), ClipVisionEncoder(tmp_path / "clip.onnx")
    looks: list[object] = []
    run = ClipVisionEncoder._run

    def counted(self: ClipVisionEncoder, images: Any) -> Any:
        looks.append(images)
        return run(self, images)

    monkeypatch.setattr(ClipVisionEncoder, "_run", counted)
    embedded, tokens = once.embed([ball("red"), ball("blue")]), once.tokens([ball("red"), ball("blue")])
    assert len(looks) == 2
    np.testing.assert_allclose(embedded, plain.embed([ball("red"), ball("blue")]), atol=1e-6)
    np.testing.assert_allclose(tokens, plain.tokens([ball("red"), ball("blue")]), atol=1e-5)


def test_only_the_last_pictures_are_kept(tmp_path: Path) -> None:
    once = encoder(tmp_path)
    once.tokens([Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in range(_KEPT + 5)])
    assert len(once._kept) == _KEPT


def test_the_content_is_mode_size_and_pixels() -> None:
    wide, high = Image.new("L", (4, 2)), Image.new("L", (2, 4))
    assert content_of(wide) == content_of(wide.copy())
    assert len({content_of(wide), content_of(high), content_of(Image.new("L", (4, 2), 1))}) == 3
