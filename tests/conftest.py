"""Fixtures every part of the tests may use."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import ROOT, StudioConfig, load_config
from studio.studio import Studio


@pytest.fixture
def photo() -> Callable[..., bytes]:
    """Make an encoded photo: ``photo(seed, size=(96, 64), format="JPEG", **save_options)``."""

    def make(seed: int = 0, size: tuple[int, int] = (96, 64), format: str = "JPEG", **options: object) -> bytes:
        numbers = np.random.default_rng(seed)
        coarse = Image.fromarray(numbers.integers(0, 256, (4, 6, 3), dtype=np.uint8), "RGB")
        buffer = io.BytesIO()
        coarse.resize(size, Image.Resampling.BICUBIC).save(buffer, format, **options)
        return buffer.getvalue()

    return make


@pytest.fixture
def fake_config(tmp_path: Path) -> StudioConfig:
    """Settings with engines without weights and without pauses, in a folder of the test's own."""
    return load_config(
        ROOT / "configs" / "studio.fake.yaml",
        data_dir=tmp_path / "data",
        engines={"image": {"options": {"size": 64, "steps": 3, "step_seconds": 0.0}}},
    )


@pytest.fixture
def studio(fake_config: StudioConfig) -> Iterator[Studio]:
    """The whole studio with engines without weights."""
    built = build_studio(fake_config)
    yield built
    built.close()
