from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC

from pipelines.mini.training import cache
from tests.pipelines.mini.tiny_mini import AUTOENCODER, TEXT_LENGTH, TEXT_WIDTH, training_config


def test_latents_and_tokens_of_training_pictures_only(data: Path, minilm: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(out / "vae")
    cache.train(training_config(3), data, out)
    latents, tokens, lengths, samples = (
        np.load(out / "cache" / f"{name}.npy") for name in ("latents", "tokens", "lengths", "samples")
    )
    captions = json.loads((out / "cache" / "captions.json").read_text())
    assert latents.shape == (
        8,
        8,
        4,
        4,
    )  # 4 plain drawings, 2 recolours, 2 scenes; individuals are not captioned, comics not wanted
    assert np.isfinite(latents).all()
    assert tokens.shape == (len(captions), TEXT_LENGTH, TEXT_WIDTH)
    assert captions[0] == "" and lengths[0] == 2
    assert not tokens[np.arange(TEXT_LENGTH)[None] >= lengths[:, None]].any()
    # plain drawings, recolours, scenes; a subject that is merely moved is kept apart
    kinds = samples[:, 2]
    assert np.bincount(kinds).tolist() == [4 * 4, 2, 1, 2 + 1]
    assert samples[:, 0].max() == 7 and samples[:, 1].min() > 0
    # everything shows the plain drawing of its concept, the plain drawings themselves
    assert (samples[kinds == 0, 3] == samples[kinds == 0, 0]).all()
    assert set(samples[:, 3]) <= {0, 1, 2, 3}
    # the plain name is always among the captions that are kept
    for picture in range(6):
        kept = {captions[row] for row in samples[samples[:, 0] == picture, 1]}
        assert any(text.startswith("a ") and text.endswith(" mug") and len(text.split()) == 3 for text in kept)
