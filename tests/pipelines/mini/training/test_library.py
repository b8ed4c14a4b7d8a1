from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC

from pipelines.mini.library import RANGE, DrawingLibrary
from pipelines.mini.training import cache, library
from tests.pipelines.mini.tiny_mini import AUTOENCODER, training_config


def test_the_library_holds_training_drawings_and_nothing_held_out(data: Path, minilm: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(out / "vae")
    cache.train(training_config(3), data, out)
    library.train(training_config(3), data, out)
    read = DrawingLibrary.from_pretrained(out / "library")
    encoded = torch.from_numpy(np.load(out / "cache" / "latents.npy")).float()
    drawings = read._tensors["latents"]
    assert len(drawings) == 4  # two of seven are held out, one is in a style that is not trained
    for row in range(4):
        torch.testing.assert_close(read.latents(row), encoded[row].clamp(-RANGE, RANGE), atol=RANGE / 127, rtol=0)
    assert read.named_concept("a blue mug, flat style") is not None
    assert read.asked_style("a blue mug, flat style") == 0
    assert read.asked_style("a blue mug, modern flat") == 1
